package io.sluice.instrumentation.reactornetty;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** HTTP/2 works as without the agent, and its connection is counted. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test {
    /** How the two sides agree. */
    enum Way {
        ALPN("https", HttpProtocol.H2, HttpProtocol.HTTP11),
        ONLY_HTTP2("https", HttpProtocol.H2),
        PRIOR_KNOWLEDGE("http", HttpProtocol.H2C),
        UPGRADE("http", HttpProtocol.H2C, HttpProtocol.HTTP11);

        final String scheme;
        final HttpProtocol[] protocols;

        Way(String scheme, HttpProtocol... protocols) {
            this.scheme = scheme;
            this.protocols = protocols;
        }

        Http2TestServer server(int maxStreams, io.undertow.server.HttpHandler handler) {
            return scheme.equals("https")
                    ? Http2TestServer.overTls(maxStreams, handler)
                    : Http2TestServer.inClearText(handler);
        }
    }

    private final CountDownLatch gate = new CountDownLatch(1);
    private final AtomicInteger inside = new AtomicInteger();
    private final List<ConnectionProvider> providers = new ArrayList<>();

    @AfterEach
    void defaults() {
        gate.countDown();
        providers.forEach(ConnectionProvider::dispose);
        TestAgent.limits(Limits.defaults());
    }

    private HttpClient client(Way way) {
        ConnectionProvider provider = ConnectionProvider.create("http2-test", 20);
        providers.add(provider);
        HttpClient made = HttpClient.create(provider).protocol(way.protocols);
        return way.scheme.equals("https") ? ReactorClient.offeringHttp2(made, TestTls.clientContext()) : made;
    }

    private void hold() throws Exception {
        inside.incrementAndGet();
        gate.await(30, TimeUnit.SECONDS);
    }

    /** Answers with the status and the protocol. */
    private static CompletableFuture<String> get(HttpClient client, String url) {
        return client.get()
                .uri(url)
                .responseSingle((response, content) -> content.asString()
                        .defaultIfEmpty("")
                        .map(text -> response.status().code() + " " + response.version() + " " + text))
                .toFuture();
    }

    private static Snapshot figures(Http2TestServer server, Way way) {
        return TestAgent.table().snapshot(Destination.server(way.scheme, "127.0.0.1", server.port()));
    }

    private static void all(List<CompletableFuture<String>> exchanges) throws Exception {
        for (CompletableFuture<String> one : exchanges) {
            assertThat(one.get(30, TimeUnit.SECONDS)).startsWith("200 ");
        }
    }

    private static void awaitIdle(Http2TestServer server, Way way) throws Exception {
        TestAgent.await("nothing is leased", () -> figures(server, way).leased() == 0);
        TestAgent.await("nobody waits", () -> figures(server, way).pending() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> figures(server, way).open() == figures(server, way).idle());
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void fortyStreamsShareTheOneConnection(Way way) throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = way.server(100, exchange -> hold());
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client(way);
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
            if (way == Way.UPGRADE) {
                // Until the first answer, the connection speaks HTTP/1.1.
                exchanges.add(get(client, server.url("/first")));
                TestAgent.await("the first is held", () -> inside.get() >= 1);
            }
            for (int i = exchanges.size(); i < 40; i++) {
                exchanges.add(get(client, server.url("/" + i)));
            }
            TestAgent.await("all are held at once", () -> inside.get() == 40);
            assertThat(meter.current()).isEqualTo(1);
            assertThat(figures(server, way).leased()).isEqualTo(1);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            gate.countDown();
            all(exchanges);
            assertThat(meter.max()).isEqualTo(1);
            awaitIdle(server, way);
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void theConnectionIsReusedAndBecomesIdleInBetween(Way way) throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = way.server(100, exchange -> {});
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client(way);
            for (int round = 0; round < 5; round++) {
                List<CompletableFuture<String>> exchanges = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    exchanges.add(get(client, server.url("/" + i)));
                }
                all(exchanges);
                awaitIdle(server, way);
                assertThat(figures(server, way).idle()).isEqualTo(1);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1); // it may miss one that lives briefly
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void anIdleConnectionMakesRoomForAnotherClient(Way way) throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = way.server(100, exchange -> {});
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient first = client(way);
            HttpClient second = client(way);
            for (int i = 0; i < 10; i++) {
                assertThat(get(first, server.url("/a")).get(20, TimeUnit.SECONDS))
                        .startsWith("200 ");
                assertThat(get(second, server.url("/b")).get(20, TimeUnit.SECONDS))
                        .startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
            awaitIdle(server, way);
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void evictionNeverFailsAnExchange(Way way) throws Exception {
        TestAgent.limit(2);
        try (Http2TestServer server = way.server(100, exchange -> {})) {
            List<HttpClient> clients = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                clients.add(client(way));
            }
            for (int round = 0; round < 10; round++) {
                List<CompletableFuture<String>> exchanges = new ArrayList<>();
                for (int i = 0; i < 16; i++) {
                    exchanges.add(get(clients.get(i % 4), server.url("/" + i)));
                }
                all(exchanges);
            }
            awaitIdle(server, way);
        }
    }

    @Test
    void moreRequestsThanStreamsWaitForOne() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(10, exchange -> Thread.sleep(5));
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client(Way.ALPN);
            // The settings are known with the first answer.
            all(Collections.singletonList(get(client, server.url("/first"))));
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                exchanges.add(get(client, server.url("/" + i)));
            }
            all(exchanges);
            assertThat(meter.max()).isLessThanOrEqualTo(1); // it may miss one that lives briefly
            awaitIdle(server, Way.ALPN);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aServerThatSpeaksHttp11HasItsLimit(int limit) throws Exception {
        TestAgent.limit(limit);
        try (TestServer server = TestServer.builder().tls().start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client(Way.ALPN);
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                exchanges.add(get(client, server.url("/hold")));
            }
            TestAgent.await("as many as may are held", () -> server.held() == limit);
            assertThat(meter.current()).isEqualTo(limit);
            server.letGo();
            all(exchanges);
            assertThat(meter.max()).isEqualTo(limit);
            TestAgent.await(
                    "every lease is back",
                    () -> TestAgent.figures(server).leased() == 0
                            && TestAgent.figures(server).pending() == 0);
        }
    }

    @Test
    void withoutAPoolTheConnectionIsCountedToo() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Way.ALPN.server(100, exchange -> {});
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = ReactorClient.offeringHttp2(
                    HttpClient.newConnection().protocol(Way.ALPN.protocols), TestTls.clientContext());
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                exchanges.add(get(client, server.url("/" + i)));
            }
            all(exchanges);
            assertThat(meter.max()).isLessThanOrEqualTo(1);
            TestAgent.await("nothing is leased", () -> figures(server, Way.ALPN).leased() == 0);
        }
    }
}
