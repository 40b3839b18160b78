package io.sluice.telemetry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPInputStream;

/** Receives what exporters send, on a free port of the loopback interface, and answers all of it with one status. */
final class Collector implements AutoCloseable {
    static final class Received {
        final String path;
        final Map<String, String> headers = new LinkedHashMap<>();
        final byte[] body;

        Received(HttpExchange exchange) throws IOException {
            path = exchange.getRequestURI().getPath();
            exchange.getRequestHeaders().forEach((name, values) -> headers.put(name.toLowerCase(), values.get(0)));
            InputStream in = exchange.getRequestBody();
            body = read("gzip".equals(headers.get("content-encoding")) ? new GZIPInputStream(in) : in);
        }

        private static byte[] read(InputStream in) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                bytes.write(b);
            }
            return bytes.toByteArray();
        }
    }

    private final HttpServer server;
    private final int status;
    final List<Received> received = new CopyOnWriteArrayList<>();

    Collector() throws IOException {
        this(200);
    }

    Collector(int status) throws IOException {
        this.status = status;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::receive);
        server.start();
    }

    private void receive(HttpExchange exchange) throws IOException {
        received.add(new Received(exchange));
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    String url() {
        return "http://" + server.getAddress().getAddress().getHostAddress() + ":"
                + server.getAddress().getPort();
    }

    List<ResourceSpans> otlp() throws IOException {
        List<ResourceSpans> all = new ArrayList<>();
        for (Received request : received) {
            all.addAll(ExportTraceServiceRequest.parseFrom(request.body).getResourceSpansList());
        }
        return all;
    }

    List<Span> otlpSpans() throws IOException {
        List<Span> spans = new ArrayList<>();
        otlp().forEach(resource -> resource.getScopeSpansList().forEach(scope -> spans.addAll(scope.getSpansList())));
        return spans;
    }

    /** Attributes as a map of String to String or Long. */
    static Map<String, Object> map(List<KeyValue> attributes) {
        Map<String, Object> map = new LinkedHashMap<>();
        attributes.forEach(attribute -> map.put(
                attribute.getKey(),
                attribute.getValue().hasIntValue()
                        ? (Object) attribute.getValue().getIntValue()
                        : attribute.getValue().getStringValue()));
        return map;
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
