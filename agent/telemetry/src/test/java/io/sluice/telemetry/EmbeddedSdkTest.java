package io.sluice.telemetry;

import static io.sluice.limiter.Waits.aWait;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import io.sluice.limiter.Wait;
import io.sluice.limiter.Waits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A program without OpenTelemetry: what the SDK inside the agent sends over OTLP. */
@Timeout(60)
class EmbeddedSdkTest {
    @RegisterExtension
    final OtelProperties properties = new OtelProperties();

    private final List<String> warnings = new CopyOnWriteArrayList<>();
    private final List<String> logged = new CopyOnWriteArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord record) {
            logged.add(record.getLoggerName() + ": " + record.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };
    private Collector collector;

    @BeforeEach
    void startCollector() throws IOException {
        collector = new Collector();
        Logger.getLogger("").addHandler(handler);
    }

    @AfterEach
    void stopCollector() {
        Logger.getLogger("").removeHandler(handler);
        collector.close();
    }

    private void send(Wait... waits) {
        WaitSpans spans = WaitSpans.create(warnings::add, Runnable::run);
        for (Wait wait : waits) {
            spans.ended(wait);
        }
        assertThat(spans.flush(20_000)).isTrue();
    }

    private Span sent(Waits wait) throws IOException {
        properties.set("otel.exporter.otlp.endpoint", collector.url());
        send(wait.build());
        assertThat(warnings).isEmpty();
        assertThat(collector.otlpSpans()).hasSize(1);
        return collector.otlpSpans().get(0);
    }

    @Test
    void sendsAWaitAsOneInternalSpanWithItsOwnTimes() throws IOException {
        Span span = sent(aWait());

        assertThat(span.getName()).isEqualTo("HTTP wait_for_connection api.example.com:8080");
        assertThat(span.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_INTERNAL);
        assertThat(span.getStartTimeUnixNano()).isEqualTo(Waits.START_EPOCH_NANOS);
        assertThat(span.getEndTimeUnixNano()).isEqualTo(Waits.START_EPOCH_NANOS + Waits.DURATION_NANOS);
        assertThat(span.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_UNSET);
        assertThat(span.getParentSpanId().isEmpty()).isTrue();
        assertThat(span.getEventsCount()).isZero();
        assertThat(Collector.map(span.getAttributesList()))
                .containsOnly(
                        entry("server.address", "api.example.com"),
                        entry("server.port", 8080L),
                        entry("url.scheme", "http"),
                        entry("sluice.limit.kind", "server"),
                        entry("sluice.limit", 2L),
                        entry("sluice.pending", 5L),
                        entry("sluice.client", "apache-httpclient-4"));
        assertThat(collector.received).extracting(request -> request.path).containsExactly("/v1/traces");
        assertThat(collector.received.get(0).headers).containsEntry("content-type", "application/x-protobuf");
    }

    @Test
    void namesTheProxyAsThePeer() throws IOException {
        Map<String, Object> attributes =
                Collector.map(sent(aWait().forProxy("Proxy.example.com", 3128)).getAttributesList());

        assertThat(attributes)
                .contains(
                        entry("sluice.limit.kind", "proxy"),
                        entry("server.address", "api.example.com"),
                        entry("network.peer.address", "proxy.example.com"),
                        entry("network.peer.port", 3128L));
    }

    @Test
    void leavesOutALimitThatIsNone() throws IOException {
        assertThat(Collector.map(sent(aWait().limit(Integer.MAX_VALUE)).getAttributesList()))
                .doesNotContainKey("sluice.limit")
                .containsKey("sluice.limit.kind");
    }

    @Test
    void bracketsAnIpv6AddressInTheNameOnly() throws IOException {
        Span span = sent(aWait().server("https", "[::1]", 0));

        assertThat(span.getName()).isEqualTo("HTTP wait_for_connection [::1]:443");
        assertThat(Collector.map(span.getAttributesList()))
                .contains(entry("server.address", "::1"), entry("server.port", 443L), entry("url.scheme", "https"));
    }

    @ParameterizedTest
    @EnumSource(value = Wait.Outcome.class, mode = EnumSource.Mode.EXCLUDE, names = "GRANTED")
    void marksAWaitThatGaveUp(Wait.Outcome outcome) throws IOException {
        Span span = sent(aWait().outcome(outcome));

        assertThat(span.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_ERROR);
        assertThat(Collector.map(span.getAttributesList()))
                .containsEntry("error.type", outcome.name().toLowerCase());
    }

    @Test
    void takesTheRequestsTraceparentAsLocalParent() throws IOException {
        Span span = sent(aWait().traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));

        assertThat(hex(span.getTraceId())).isEqualTo("0af7651916cd43dd8448eb211c80319c");
        assertThat(hex(span.getParentSpanId())).isEqualTo("b7ad6b7169203331");
        assertThat(span.getFlags() & 0x300).as("known, and not remote").isEqualTo(0x100);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            })
    void isARootUnderATraceparentThatIsNone(String traceparent) throws IOException {
        Span span = sent(aWait().traceparent(traceparent));

        assertThat(span.getParentSpanId().isEmpty()).isTrue();
        assertThat(hex(span.getTraceId())).isNotEqualTo("0af7651916cd43dd8448eb211c80319c");
    }

    @Test
    void sendsNothingBelowASpanThatIsNotSampled() throws IOException {
        properties.set("otel.exporter.otlp.endpoint", collector.url());
        send(aWait().traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
                .build());

        assertThat(collector.received).isEmpty();
    }

    @Test
    void obeysTheStandardSettings() throws IOException {
        properties
                .set("otel.service.name", "shop")
                .set("otel.exporter.otlp.headers", "api-key=secret")
                .set("otel.exporter.otlp.compression", "gzip");
        sent(aWait());

        ResourceSpans resource = collector.otlp().get(0);
        assertThat(Collector.map(resource.getResource().getAttributesList())).containsEntry("service.name", "shop");
        assertThat(resource.getScopeSpans(0).getScope().getName()).isEqualTo("io.sluice");
        assertThat(collector.received.get(0).headers)
                .containsEntry("api-key", "secret")
                .containsEntry("content-encoding", "gzip");
    }

    @Test
    void needsNothingButATracesEndpointWhichIsTakenAsItIs() {
        properties.set("otel.exporter.otlp.traces.endpoint", collector.url() + "/my/path");
        send(aWait().build());

        assertThat(collector.received).extracting(request -> request.path).containsExactly("/my/path");
    }

    @ParameterizedTest
    @ValueSource(strings = {"otel.exporter.otlp.protocol", "otel.exporter.otlp.traces.protocol"})
    void sendsOverHttpInsteadOfGrpcAndSaysSo(String key) throws IOException {
        properties.set(key, "grpc").set("otel.exporter.otlp.endpoint", collector.url());
        send(aWait().build(), aWait().build());

        assertThat(collector.otlpSpans()).hasSize(2);
        assertThat(warnings).singleElement().asString().startsWith(key + "=grpc: ");
    }

    @Test
    void doesNotMindSettingsOfComponentsThatOnlyTheProgramHas() throws IOException {
        properties
                .set("otel.propagators", "b3,xray")
                .set("otel.metrics.exporter", "prometheus")
                .set("otel.logs.exporter", "otlp")
                .set("otel.traces.exporter", "datadog,otlp");
        properties.set("otel.exporter.otlp.endpoint", collector.url());
        send(aWait().build());

        assertThat(collector.otlpSpans()).hasSize(1);
        assertThat(warnings).singleElement().asString().startsWith("otel.traces.exporter=datadog,otlp: ");
    }

    @Test
    void warnsOnceOfSettingsThatTheSdkRejects() {
        properties.set("otel.exporter.otlp.endpoint", "collector:4318");
        send(aWait().build(), aWait().build());

        assertThat(warnings).singleElement().asString().contains("OTLP endpoint", "collector:4318");
        assertThat(logged).isEmpty();
    }

    @Test
    void warnsOnceAndLogsNothingWhereNobodyListens() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        properties
                .set("otel.exporter.otlp.endpoint", "http://127.0.0.1:" + port)
                .set("otel.bsp.schedule.delay", "10");
        String stderr = stderrOf(() -> {
            WaitSpans spans = WaitSpans.create(warnings::add, Runnable::run);
            for (int i = 0; i < 3; i++) {
                spans.ended(aWait().build());
                assertThat(spans.flush(20_000)).isTrue();
            }
        });

        assertThat(warnings).singleElement().asString().contains("127.0.0.1:" + port + "/v1/traces", "refused");
        assertThat(logged).isEmpty();
        assertThat(stderr).isEmpty();
    }

    @Test
    void warnsOnceAndLogsNothingWhereTheCollectorRefuses() throws IOException {
        try (Collector refusing = new Collector(403)) {
            properties.set("otel.exporter.otlp.endpoint", refusing.url()).set("otel.bsp.schedule.delay", "10");
            WaitSpans spans = WaitSpans.create(warnings::add, Runnable::run);
            for (int i = 1; i <= 3; i++) {
                spans.ended(aWait().build());
                int batches = i;
                await().until(() -> refusing.received.size() == batches);
            }
        }

        assertThat(warnings).singleElement().asString().contains("answered 403");
        assertThat(logged).isEmpty();
    }

    @Test
    void leavesTheProgramsRecordsOfTheSameLoggersAlone() throws IOException {
        sent(aWait());
        Logger.getLogger("io.opentelemetry.exporter.otlp.internal.HttpExporter").warning("the program's");

        assertThat(logged).containsExactly("io.opentelemetry.exporter.otlp.internal.HttpExporter: the program's");
    }

    @Test
    void callsTheCollectorOutsideTheLimits() throws IOException {
        properties.set("otel.exporter.otlp.endpoint", collector.url());
        ThreadLocal<Boolean> exempt = new ThreadLocal<>();
        AtomicInteger exemptThreads = new AtomicInteger();
        Consumer<Runnable> exemption = action -> {
            exemptThreads.incrementAndGet();
            exempt.set(true);
            action.run();
            exempt.remove();
        };
        ProxySelector before = ProxySelector.getDefault();
        List<Boolean> seen = new ArrayList<>();
        // The selector is asked on the thread that opens the connection.
        ProxySelector.setDefault(new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
                seen.add(Boolean.TRUE.equals(exempt.get()));
                return Collections.singletonList(Proxy.NO_PROXY);
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException e) {}
        });
        try {
            WaitSpans spans = WaitSpans.create(warnings::add, exemption);
            spans.ended(aWait().build());
            assertThat(spans.flush(20_000)).isTrue();
        } finally {
            ProxySelector.setDefault(before);
        }

        assertThat(collector.otlpSpans()).hasSize(1);
        assertThat(seen).containsOnly(true);
        assertThat(exemptThreads).as("the telemetry thread's loop and the call").hasValue(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "off"})
    void staysOffWhereTheUserSaysSo(String how) {
        properties.set("otel.exporter.otlp.endpoint", collector.url());
        properties.set(
                how.equals("none") ? "otel.traces.exporter" : "otel.sdk.disabled", how.equals("none") ? how : "true");
        send(aWait().build());

        assertThat(collector.received).isEmpty();
        assertThat(warnings).isEmpty();
    }

    @Test
    void printsOneLineForTheConsole() {
        properties.set("otel.traces.exporter", "console");
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true));
        try {
            send(aWait().outcome(Wait.Outcome.TIMEOUT).build());
        } finally {
            System.setOut(before);
        }

        assertThat(out.toString().trim())
                .matches("\\[sluice\\] span 'HTTP wait_for_connection api.example.com:8080' 12\\.346 ms"
                        + " trace=[0-9a-f]{32} id=[0-9a-f]{16} parent=none status=ERROR \\{error.type=timeout, .*\\}");
    }

    private static String stderrOf(Runnable action) {
        PrintStream before = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true));
        try {
            action.run();
        } finally {
            System.setErr(before);
        }
        return err.toString();
    }

    static String hex(ByteString bytes) {
        StringBuilder hex = new StringBuilder();
        for (byte b : bytes) {
            hex.append(String.format("%02x", b));
        }
        return hex.toString();
    }
}
