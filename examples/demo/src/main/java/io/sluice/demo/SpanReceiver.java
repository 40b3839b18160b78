package io.sluice.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * An endpoint for OTLP over HTTP with protobuf (OpenTelemetry Protocol Specification, "OTLP/HTTP"), as an OpenTelemetry
 * Collector has it, on a free port of the loopback interface. Safe for any thread.
 */
final class SpanReceiver implements AutoCloseable {
    private final HttpServer server;
    private final List<WaitSpan> spans = new ArrayList<>();

    SpanReceiver() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/v1/traces", this::receive);
        server.start();
    }

    /** The value for {@code OTEL_EXPORTER_OTLP_ENDPOINT}. */
    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** All spans received so far, by the time when they ended. */
    List<WaitSpan> spans() {
        synchronized (spans) {
            List<WaitSpan> sorted = new ArrayList<>(spans);
            sorted.sort(WaitSpan.BY_END);
            return sorted;
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void receive(HttpExchange exchange) throws IOException {
        try (exchange) {
            boolean zipped = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
            InputStream body = exchange.getRequestBody();
            ExportTraceServiceRequest request =
                    ExportTraceServiceRequest.parseFrom(zipped ? new GZIPInputStream(body) : body);
            synchronized (spans) {
                for (ResourceSpans resource : request.getResourceSpansList()) {
                    for (ScopeSpans scope : resource.getScopeSpansList()) {
                        for (Span span : scope.getSpansList()) {
                            spans.add(WaitSpan.of(span, resource.getResource().getAttributesList()));
                        }
                    }
                }
            }
            exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
            // An ExportTraceServiceResponse that has nothing to complain of is empty.
            exchange.sendResponseHeaders(200, -1);
        }
    }
}
