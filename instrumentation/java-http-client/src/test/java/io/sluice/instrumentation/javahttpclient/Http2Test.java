package io.sluice.instrumentation.javahttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 works as without the agent, and its connection is counted. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test {
    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void defaults() {
        gate.countDown();
        TestAgent.limits(Limits.defaults());
    }

    private static HttpClient client() {
        return HttpClient.newBuilder().sslContext(TestTls.clientContext()).build();
    }

    private static CompletableFuture<HttpResponse<String>> get(HttpClient client, String url) {
        return client.sendAsync(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString());
    }

    private static Snapshot figures(Http2TestServer server, String scheme) {
        return TestAgent.table().snapshot(Destination.server(scheme, "127.0.0.1", server.port()));
    }

    private static void all(List<CompletableFuture<HttpResponse<String>>> exchanges) throws Exception {
        for (CompletableFuture<HttpResponse<String>> one : exchanges) {
            HttpResponse<String> response = one.get(30, TimeUnit.SECONDS);
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
        }
    }

    private static void awaitIdle(Http2TestServer server, String scheme) throws Exception {
        TestAgent.await("nothing is leased", () -> figures(server, scheme).leased() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> figures(server, scheme).open() == figures(server, scheme).idle());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aBurstOfFirstRequestsGoesThrough(int limit) throws Exception {
        TestAgent.limit(limit);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> Thread.sleep(20));
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client();
            for (int round = 0; round < 3; round++) {
                List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
                for (int i = 0; i < 50; i++) {
                    exchanges.add(get(client, server.url("/" + i)));
                }
                all(exchanges);
            }
            awaitIdle(server, "https");
            assertThat(meter.current()).isPositive();
            assertThat(meter.max()).isLessThanOrEqualTo(limit);
        }
    }

    /** The client fails exchanges for which its connection has no stream left; without the agent each had its own. */
    @Test
    void moreExchangesThanStreamsThatHadToWaitGoThrough() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(20, exchange -> {
            if (exchange.getRequestPath().equals("/hold")) {
                gate.await();
            } else {
                Thread.sleep(20);
            }
        })) {
            CompletableFuture<HttpResponse<String>> holder = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .sslContext(TestTls.clientContext())
                    .build()
                    .sendAsync(
                            HttpRequest.newBuilder(URI.create(server.url("/hold")))
                                    .build(),
                            BodyHandlers.ofString());
            TestAgent.await("it is leased", () -> figures(server, "https").leased() == 1);
            HttpClient client = client();
            List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
            for (int i = 0; i < 150; i++) {
                exchanges.add(get(client, server.url("/" + i)));
            }
            TestAgent.await("all wait", () -> figures(server, "https").pending() == 150);
            gate.countDown();
            all(exchanges);
            assertThat(holder.get().statusCode()).isEqualTo(200);
            awaitIdle(server, "https");
        }
    }

    @Test
    void furtherStreamsWaitForNobody() throws Exception {
        TestAgent.limit(1);
        CountDownLatch arrived = new CountDownLatch(5);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> {
            arrived.countDown();
            gate.await();
        })) {
            HttpClient client = client();
            List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                exchanges.add(get(client, server.url("/" + i)));
            }
            assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(figures(server, "https").leased()).isEqualTo(1);
            assertThat(figures(server, "https").open()).isEqualTo(1);
            assertThat(figures(server, "https").pending()).isZero();
            gate.countDown();
            all(exchanges);
            awaitIdle(server, "https");
            assertThat(figures(server, "https").idle()).isEqualTo(1);
        }
    }

    @Test
    void anIdleConnectionMakesRoomForAnotherClient() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> {});
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient first = client();
            HttpClient second = client();
            for (int i = 0; i < 10; i++) {
                all(List.of(get(first, server.url("/first"))));
                all(List.of(get(second, server.url("/second"))));
            }
            awaitIdle(server, "https");
            assertThat(meter.current()).isEqualTo(1); // also has the meter look: its thread may not have run yet
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @Test
    void aConnectionWithStreamsIsNotEvicted() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> Thread.sleep(2))) {
            List<HttpClient> clients = List.of(client(), client(), client());
            List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                exchanges.add(get(clients.get(i % 3), server.url("/" + i)));
                if (i % 10 == 0) {
                    Thread.sleep(1); // several rounds, not one burst
                }
            }
            all(exchanges);
            awaitIdle(server, "https");
        }
    }

    @Test
    void anUpgradeInClearTextKeepsItsConnectionAndItsLease() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.inClearText(exchange -> Thread.sleep(5));
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client();
            for (int round = 0; round < 3; round++) {
                List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    exchanges.add(get(client, server.url("/" + i)));
                }
                all(exchanges);
            }
            awaitIdle(server, "http");
            assertThat(meter.current()).isEqualTo(1);
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @Test
    void cancelledStreamsDoNotKeepTheLease() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> {
            if (exchange.getRequestPath().startsWith("/hold")) {
                gate.await(2, TimeUnit.SECONDS);
            }
        })) {
            HttpClient client = client();
            for (int round = 0; round < 5; round++) {
                List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    exchanges.add(get(client, server.url("/hold" + i)));
                }
                for (CompletableFuture<HttpResponse<String>> one : exchanges) {
                    one.cancel(true);
                }
            }
            all(List.of(get(client(), server.url("/other"))));
        }
    }

    /**
     * After GOAWAY the client replaces its connection: the new one must not stand beside the old. The next request waits
     * for the goodbye to have arrived: one that crosses it may fail, or on Java 17 never end, without the agent too.
     */
    @Test
    void aConnectionThatTheServerRetiredIsReplacedWithinTheLimit() throws Exception {
        TestAgent.limit(1);
        Set<Object> connections = ConcurrentHashMap.newKeySet();
        try (Http2TestServer server =
                        Http2TestServer.overTls(100, exchange -> connections.add(exchange.getConnection()));
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client();
            for (int i = 0; i < 10; i++) {
                all(List.of(get(client, server.url("/" + i))));
                assertThat(meter.current()).isEqualTo(1);
                server.goAway();
                TestAgent.await(
                        "its room is free", () -> figures(server, "https").open() == 0);
            }
            assertThat(connections).hasSize(10);
            // A moment after the room.
            TestAgent.await("nothing is leased", () -> figures(server, "https").leased() == 0);
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    /** Offered both, the server chooses HTTP/1.1: each connection carries one exchange, and waits for its lease. */
    @Test
    void aServerThatOnlySpeaksHttp11IsLimitedLikeAnyOther() throws Exception {
        TestAgent.limit(2);
        try (TestServer server = TestServer.builder().tls().start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClient client = client();
            List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                exchanges.add(get(client, server.url("/hold/" + i)));
            }
            TestAgent.await("the others wait", () -> TestAgent.figures(server).pending() == 18);
            TestAgent.await("two are under way", () -> server.held() == 2);
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            for (CompletableFuture<HttpResponse<String>> one : exchanges) {
                HttpResponse<String> response = one.get(30, TimeUnit.SECONDS);
                assertThat(response.statusCode()).isEqualTo(200);
                assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
            }
            assertThat(meter.max()).isEqualTo(2);
        }
    }
}
