package io.sluice.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigProperties;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Sends spans to Zipkin as JSON, version 2 of its API (zipkin-api's {@code zipkin2-api.yaml}), mapped as OpenTelemetry's
 * specification for Zipkin exporters says. Knows what spans of waits have: they are INTERNAL, which Zipkin shows as no
 * kind, and have no events and no links. OpenTelemetry's own exporter ended with 1.64.
 *
 * <p>Blocks the calling thread, which is the SDK's batch thread.
 */
final class ZipkinExporter implements SpanExporter {
    private static final AttributeKey<String> SERVICE_NAME = AttributeKey.stringKey("service.name");
    private static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");
    private static final Map<String, List<String>> HEADERS =
            Collections.singletonMap("Content-Type", Collections.singletonList("application/json"));

    private final HttpPost http;
    private final URI endpoint;
    private final Duration timeout;

    ZipkinExporter(ConfigProperties config, HttpPost http) {
        this.http = http;
        String url = config.getString("otel.exporter.zipkin.endpoint", "http://localhost:9411/api/v2/spans");
        if (!url.startsWith("http://") && !url.startsWith("https://")) {
            throw new ConfigurationException(
                    "otel.exporter.zipkin.endpoint=" + url + ": a URL beginning with http:// or https:// is expected");
        }
        this.endpoint = URI.create(url);
        this.timeout = config.getDuration("otel.exporter.zipkin.timeout", Duration.ofSeconds(10));
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
        byte[] json = spans.stream()
                .map(ZipkinExporter::json)
                .collect(Collectors.joining(",", "[", "]"))
                .getBytes(StandardCharsets.UTF_8);
        try {
            HttpResponse answer = http.send(endpoint, HEADERS, out -> out.write(json), timeout, timeout, null);
            return answer.getStatusCode() / 100 == 2
                    ? CompletableResultCode.ofSuccess()
                    : CompletableResultCode.ofFailure();
        } catch (IOException e) {
            return CompletableResultCode.ofExceptionalFailure(e);
        }
    }

    private static String json(SpanData span) {
        StringBuilder json = new StringBuilder(512);
        json.append("{\"traceId\":").append(quoted(span.getTraceId()));
        json.append(",\"id\":").append(quoted(span.getSpanId()));
        if (span.getParentSpanContext().isValid()) {
            json.append(",\"parentId\":").append(quoted(span.getParentSpanId()));
        }
        json.append(",\"name\":").append(quoted(span.getName()));
        json.append(",\"timestamp\":").append(span.getStartEpochNanos() / 1000);
        // Zipkin takes 0 for "unknown", so a shorter one is rounded up.
        json.append(",\"duration\":").append(Math.max(1, (span.getEndEpochNanos() - span.getStartEpochNanos()) / 1000));
        json.append(",\"localEndpoint\":{\"serviceName\":")
                .append(quoted(String.valueOf(span.getResource().getAttribute(SERVICE_NAME))))
                .append('}');
        json.append(",\"tags\":{");
        String separator = "";
        for (Map.Entry<String, String> tag : tags(span).entrySet()) {
            json.append(separator).append(quoted(tag.getKey())).append(':').append(quoted(tag.getValue()));
            separator = ",";
        }
        return json.append("}}").toString();
    }

    private static Map<String, String> tags(SpanData span) {
        Map<String, String> tags = new TreeMap<>();
        span.getAttributes().forEach((key, value) -> tags.put(key.getKey(), String.valueOf(value)));
        tags.put("otel.scope.name", span.getInstrumentationScopeInfo().getName());
        if (span.getStatus().getStatusCode() == StatusCode.ERROR) {
            tags.put("otel.status_code", "ERROR");
            tags.put("error", String.valueOf(span.getAttributes().get(ERROR_TYPE))); // what makes Zipkin show it in red
        }
        return tags;
    }

    /** A JSON string (RFC 8259, section 7). */
    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }

    @Override
    public CompletableResultCode flush() {
        return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
        return CompletableResultCode.ofSuccess();
    }
}
