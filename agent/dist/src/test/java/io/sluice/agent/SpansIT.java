package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A span for every wait and none for those who did not wait, as a collector really receives them. */
@Timeout(120)
class SpansIT {

    private static final Map<String, String> NAMES = new HashMap<>();

    static {
        NAMES.put("urlconnection", "http-url-connection");
        NAMES.put("apache4", "apache-httpclient-4");
        NAMES.put("apache5", "apache-httpclient-5");
        NAMES.put("apache3", "apache-httpclient-3");
        NAMES.put("apache4Old", "apache-httpclient-4.0");
        NAMES.put("apache4Async", "apache-httpasyncclient-4");
        NAMES.put("apache5Async", "apache-httpclient-5-async");
        NAMES.put("okhttp", "okhttp");
        NAMES.put("okhttpAsync", "okhttp");
        NAMES.put("jetty", "jetty-client");
        NAMES.put("asyncHttpClient", "async-http-client");
        NAMES.put("vertx", "vertx");
        NAMES.put("reactorNetty", "reactor-netty");
        NAMES.put("java", "java-http-client");
        NAMES.put("javaAsync", "java-http-client");
    }

    private final Jdk main = Jdk.main();
    private TestServer server;
    private SpanCollector collector;

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    @BeforeEach
    void start() {
        server = Answers.server().start();
        collector = new SpanCollector();
    }

    @AfterEach
    void stop() {
        server.close();
        collector.close();
    }

    private ChildJvm jvm(Jdk jdk, String agentArguments) {
        return HttpProgram.jvm(jdk)
                .agent(agentArguments)
                .environment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.otlpEndpoint());
    }

    private String name() {
        return "HTTP wait_for_connection 127.0.0.1:" + server.port();
    }

    /** Nobody waits: an asynchronous client may answer before it lays its connection down. */
    private void oneAfterAnother(HttpProgram program, List<String> clients) {
        program.awaitQuiet();
        for (String client : clients) {
            program.warmUp(Collections.singletonList(client), server.url("/say"));
            program.awaitQuiet();
        }
    }

    /** One exchange holds the only lease, then each client waits for it, in this order. */
    private void eachWaits(HttpProgram program, List<String> clients) throws Exception {
        List<Integer> exchanges = new ArrayList<>();
        exchanges.add(program.get("urlconnection", server.url("/hold")));
        server.awaitRequests(1);
        for (String client : clients) {
            exchanges.add(program.get(client, server.url("/say")));
            program.awaitWaiting(exchanges.size() - 1);
        }
        server.letGo();
        for (int exchange : exchanges) {
            assertThat(program.await(exchange).what()).isEqualTo("200");
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void everyWaitIsOneSpanAndNothingElseIs(Jdk jdk) throws Exception {
        List<String> clients = HttpProgram.representatives(jdk);
        clients.remove("javaAsync"); // asks from a thread of its own, so its place in the queue would be uncertain
        try (HttpProgram program = HttpProgram.start(jvm(jdk, "maxConnectionsPerServer=1"))) {
            oneAfterAnother(program, clients);
            server.forgetRequests();
            eachWaits(program, clients);
            oneAfterAnother(program, clients);
            program.end(); // long before the next batch would be sent
        }
        List<Span> spans = collector.otlpSpans();
        assertThat(spans).hasSize(clients.size());
        for (int i = 0; i < clients.size(); i++) {
            Span span = spans.get(i);
            assertThat(span.getName()).isEqualTo(name());
            assertThat(span.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_INTERNAL);
            assertThat(span.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_UNSET);
            assertThat(span.getParentSpanId().isEmpty()).isTrue();
            assertThat(span.getEndTimeUnixNano()).isGreaterThan(span.getStartTimeUnixNano());
            assertThat(SpanCollector.attributes(span))
                    .containsOnly(
                            entry("server.address", "127.0.0.1"),
                            entry("server.port", (long) server.port()),
                            entry("url.scheme", "http"),
                            entry("sluice.limit.kind", "server"),
                            entry("sluice.limit", 1L),
                            entry("sluice.pending", (long) i),
                            entry("sluice.client", NAMES.get(clients.get(i))));
        }
    }

    @Test
    void waitThatGaveUpSaysWhy() throws Exception {
        List<String> clients = HttpProgram.clients(main);
        try (HttpProgram program = HttpProgram.start(jvm(main, "maxConnectionsPerServer=1,waitTimeout=300ms"))) {
            program.get("urlconnection", server.url("/hold"));
            server.awaitRequests(1);
            for (String client : clients) {
                program.await(program.get(client, server.url("/say")));
            }
            server.letGo();
            program.end();
        }
        assertThat(collector.otlpSpans()).hasSameSizeAs(clients).allSatisfy(span -> {
            assertThat(span.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_ERROR);
            assertThat(SpanCollector.attributes(span)).containsEntry("error.type", "timeout");
            assertThat(span.getEndTimeUnixNano() - span.getStartTimeUnixNano()).isGreaterThanOrEqualTo(300_000_000L);
        });
    }

    @Test
    void waitForAProxyNamesIt() throws Exception {
        try (TestProxy proxy = TestProxy.start();
                HttpProgram program = HttpProgram.start(jvm(main, "maxConnectionsPerProxy=1"))) {
            String client = "apache5:proxy=127.0.0.1/" + proxy.port();
            program.get(client, server.url("/hold"));
            server.awaitRequests(1);
            program.get(client, server.url("/say"));
            program.awaitWaiting(1);
            server.letGo();
            program.end();
            assertThat(collector.otlpSpans()).singleElement().satisfies(span -> {
                assertThat(span.getName()).isEqualTo(name());
                assertThat(SpanCollector.attributes(span))
                        .contains(
                                entry("sluice.limit.kind", "proxy"),
                                entry("server.port", (long) server.port()),
                                entry("network.peer.address", "127.0.0.1"),
                                entry("network.peer.port", (long) proxy.port()));
            });
        }
    }

    /** The only connection that the JVM may have is taken, and still the spans arrive. */
    @Test
    void exportIsNotLimitedItself() throws Exception {
        try (HttpProgram program = HttpProgram.start(
                jvm(main, "maxConnections=1,waitTimeout=200ms").systemProperty("otel.bsp.schedule.delay", 50))) {
            program.get("urlconnection", server.url("/hold"));
            server.awaitRequests(1);
            program.await(program.get("apache4", server.url("/say")));
            assertThat(collector.awaitOtlpSpans(1))
                    .singleElement()
                    .satisfies(span -> assertThat(SpanCollector.attributes(span))
                            .contains(entry("sluice.limit.kind", "total"), entry("sluice.limit", 1L)));
            server.letGo();
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void zipkinGetsItsOwnJson(Jdk jdk) throws Exception {
        ChildJvm jvm = HttpProgram.jvm(jdk)
                .agent("maxConnectionsPerServer=1")
                .systemProperty("otel.traces.exporter", "zipkin")
                .systemProperty("otel.service.name", "shop")
                .environment("OTEL_EXPORTER_ZIPKIN_ENDPOINT", collector.zipkinEndpoint());
        List<String> clients = HttpProgram.representatives(jdk);
        try (HttpProgram program = HttpProgram.start(jvm)) {
            eachWaits(program, clients);
            program.end();
        }
        List<JsonNode> spans = collector.zipkinSpans();
        assertThat(spans).hasSameSizeAs(clients).allSatisfy(span -> {
            assertThat(span.get("name").asText()).isEqualTo(name());
            assertThat(span.has("kind")).as("Zipkin has no kind INTERNAL").isFalse();
            assertThat(span.get("traceId").asText()).matches("[0-9a-f]{32}");
            assertThat(span.get("id").asText()).matches("[0-9a-f]{16}");
            assertThat(span.get("timestamp").asLong() / 1_000_000)
                    .isCloseTo(System.currentTimeMillis() / 1000, within(300L));
            assertThat(span.get("duration").asLong()).isPositive();
            assertThat(span.get("localEndpoint").get("serviceName").asText()).isEqualTo("shop");
            assertThat(span.get("tags").get("sluice.limit").asText()).isEqualTo("1");
        });
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void programsOwnOpenTelemetryTakesTheSpansAsChildrenOfItsOwn(Jdk jdk) throws Exception {
        ChildJvm jvm = HttpProgram.tracedJvm(jdk)
                .agent("maxConnectionsPerServer=1")
                .environment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.otlpEndpoint());
        try (HttpProgram program = HttpProgram.start(jvm)) {
            for (String client : HttpProgram.representatives(jdk)) {
                program.awaitQuiet(); // or the holder would wait as well, and make a span of its own
                server.holdAgain();
                server.forgetRequests();
                String after = "(?s).{" + program.stdout().length() + "}.*";
                program.get("urlconnection", server.url("/hold"));
                server.awaitRequests(1);
                int traced = program.get("traced:client=" + client, server.url("/say"));
                program.awaitWaiting(1);
                server.letGo();
                assertThat(program.await(traced).what()).isEqualTo("200");
                Matcher wait = program.awaitOutput(Pattern.compile(after + "\\[span " + name()
                        + "] trace=(\\w+) id=\\w+ parent=(\\w+) kind=INTERNAL attributes=([^\n]*)"));
                Matcher own = program.awaitOutput(Pattern.compile(after + "\\[span program] trace=(\\w+) id=(\\w+) "));
                assertThat(wait.group(1)).as(client).isEqualTo(own.group(1));
                assertThat(wait.group(2)).as(client).isEqualTo(own.group(2));
                assertThat(wait.group(3)).contains("sluice.client=" + NAMES.get(client));
            }
            program.end();
        }
        assertThat(collector.requests())
                .as("the program's own OpenTelemetry is where they belong")
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"otel.traces.exporter=none", "otel.sdk.disabled=true"})
    void switchedOffNothingIsSent(String setting) throws Exception {
        String[] keyAndValue = setting.split("=", -1);
        ChildJvm jvm = jvm(main, "maxConnectionsPerServer=1").systemProperty(keyAndValue[0], keyAndValue[1]);
        try (HttpProgram program = HttpProgram.start(jvm)) {
            eachWaits(program, HttpProgram.clients(main));
            program.end();
        }
        assertThat(collector.requests()).isZero();
    }

    @Test
    void withoutSettingsNoExporterIsEvenLoaded() throws Exception {
        String sender = "io.sluice.telemetry.EmbeddedSdk";
        assertThat(classesLoaded(HttpProgram.jvm(main))).doesNotContain(sender).contains("io.sluice.bridge");
        assertThat(classesLoaded(
                        HttpProgram.jvm(main).environment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.otlpEndpoint())))
                .contains(sender);
    }

    private String classesLoaded(ChildJvm jvm) throws Exception {
        server.holdAgain();
        server.forgetRequests();
        try (HttpProgram program = HttpProgram.start(jvm.agent("")
                .systemProperty("sluice.maxConnectionsPerServer", 1)
                .jvmOptions("-verbose:class"))) {
            int holder = program.get("urlconnection", server.url("/hold"));
            server.awaitRequests(1);
            program.get("urlconnection", server.url("/say"));
            program.awaitWaiting(1);
            server.letGo();
            program.await(holder);
            program.end();
            return program.stdout();
        }
    }
}
