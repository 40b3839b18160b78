package io.sluice.telemetry;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Prints each span on a line of its own to standard output, for whoever asked for that with {@code console}. */
final class ConsoleExporter implements SpanExporter {
    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
        for (SpanData span : spans) {
            System.out.println(line(span));
        }
        return CompletableResultCode.ofSuccess();
    }

    private static String line(SpanData span) {
        Map<String, Object> attributes = new TreeMap<>();
        span.getAttributes().forEach((key, value) -> attributes.put(key.getKey(), value));
        double millis = (span.getEndEpochNanos() - span.getStartEpochNanos()) / 1e6;
        return String.format(
                Locale.ROOT,
                "[sluice] span '%s' %.3f ms trace=%s id=%s parent=%s status=%s %s",
                span.getName(),
                millis,
                span.getTraceId(),
                span.getSpanId(),
                span.getParentSpanContext().isValid() ? span.getParentSpanId() : "none",
                span.getStatus().getStatusCode(),
                attributes);
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
