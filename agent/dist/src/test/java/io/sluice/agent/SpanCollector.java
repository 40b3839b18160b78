package io.sluice.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.sluice.instrumentation.testing.TestRequest;
import io.sluice.instrumentation.testing.TestServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** Receives what the agent really sends, by OTLP over HTTP or as Zipkin's JSON. */
final class SpanCollector implements AutoCloseable {

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final TestServer server = TestServer.builder()
            .on("v1", exchange -> exchange.send(200, new byte[0]))
            .on("api", exchange -> exchange.send(202, new byte[0]))
            .start();

    /** The value of {@code otel.exporter.otlp.endpoint}. */
    String otlpEndpoint() {
        return server.url("");
    }

    /** The value of {@code otel.exporter.zipkin.endpoint}. */
    String zipkinEndpoint() {
        return server.url("/api/v2/spans");
    }

    /** How many requests came, of any kind. */
    int requests() {
        return server.requests().size();
    }

    /** All spans received by OTLP so far. */
    List<Span> otlpSpans() throws IOException {
        List<Span> spans = new ArrayList<>();
        for (TestRequest request : server.requests()) {
            for (ResourceSpans resource :
                    ExportTraceServiceRequest.parseFrom(request.body()).getResourceSpansList()) {
                for (ScopeSpans scope : resource.getScopeSpansList()) {
                    spans.addAll(scope.getSpansList());
                }
            }
        }
        return spans;
    }

    /** The same, as soon as there are so many, or after some time. */
    List<Span> awaitOtlpSpans(int count) throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (otlpSpans().size() < count && System.nanoTime() - start < PATIENCE_NANOS) {
            Thread.sleep(10);
        }
        return otlpSpans();
    }

    /** All spans received as Zipkin's JSON so far. */
    List<JsonNode> zipkinSpans() throws IOException {
        List<JsonNode> spans = new ArrayList<>();
        for (TestRequest request : server.requests()) {
            new ObjectMapper().readTree(request.body()).forEach(spans::add);
        }
        return spans;
    }

    /** The attributes of a span, each a String or a Long. */
    static Map<String, Object> attributes(Span span) {
        Map<String, Object> attributes = new TreeMap<>();
        for (KeyValue attribute : span.getAttributesList()) {
            attributes.put(
                    attribute.getKey(),
                    attribute.getValue().hasIntValue()
                            ? (Object) attribute.getValue().getIntValue()
                            : attribute.getValue().getStringValue());
        }
        return attributes;
    }

    @Override
    public void close() {
        server.close();
    }
}
