package io.sluice.instrumentation.vertx;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 works as without the agent, and its connection counts once. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VertxHttp2Test {
    private final Vertx vertx = Vertx.vertx();
    /** Since 5 a client that the program has lost is closed. */
    private final List<VertxClient> clients = new ArrayList<>();

    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void close() throws Exception {
        gate.countDown();
        VertxClient.await(vertx.close());
        TestAgent.limits(Limits.defaults());
    }

    private static HttpClientOptions options() {
        HttpClientOptions options =
                new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setUseAlpn(true);
        options.setTrustAll(true).setVerifyHost(false);
        return options;
    }

    private VertxClient client() {
        return client(options());
    }

    private VertxClient client(HttpClientOptions options) {
        VertxClient client = new VertxClient(vertx, options, new PoolSizes().setHttp2MaxSize(5));
        clients.add(client);
        return client;
    }

    private static Snapshot figures(Http2TestServer server, String scheme) {
        return TestAgent.table().snapshot(Destination.server(scheme, "127.0.0.1", server.port()));
    }

    private static void awaitIdle(Http2TestServer server, String scheme) throws Exception {
        TestAgent.await(
                "nothing is leased",
                () -> figures(server, scheme).leased() == 0
                        && figures(server, scheme).pending() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> figures(server, scheme).open() == figures(server, scheme).idle());
    }

    private static void all(List<Future<String>> exchanges) throws Exception {
        for (Future<String> one : exchanges) {
            assertThat(VertxClient.await(one)).startsWith("200 ");
        }
    }

    private static List<Future<String>> burst(VertxClient client, Http2TestServer server, int count) {
        List<Future<String>> exchanges = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            exchanges.add(client.getLater(server.url("/" + i)));
        }
        return exchanges;
    }

    @Test
    void fortyStreamsAtOnceAreOneConnection() throws Exception {
        TestAgent.limit(1);
        CountDownLatch arrived = new CountDownLatch(40);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> {
                    arrived.countDown();
                    gate.await();
                });
                KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<String>> exchanges = burst(client(), server, 40);
            assertThat(arrived.await(20, TimeUnit.SECONDS))
                    .as(exchanges::toString)
                    .isTrue();
            assertThat(figures(server, "https").leased()).isEqualTo(1);
            assertThat(figures(server, "https").open()).isEqualTo(1);
            assertThat(figures(server, "https").pending()).isZero();
            gate.countDown();
            all(exchanges);
            awaitIdle(server, "https");
            assertThat(figures(server, "https").idle()).isEqualTo(1);
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 100", "2, 100", "1, 5", "2, 5"})
    void burstsGoThrough(int limit, int streams) throws Exception {
        TestAgent.limit(limit);
        try (Http2TestServer server = Http2TestServer.overTls(streams, exchange -> Thread.sleep(5));
                KernelMeter meter = KernelMeter.start(server.port())) {
            VertxClient client = client();
            for (int round = 0; round < 3; round++) {
                all(burst(client, server, 50));
            }
            awaitIdle(server, "https");
            assertThat(meter.max()).isLessThanOrEqualTo(limit);
        }
    }

    @Test
    void theClientsLimitOfStreamsHolds() throws Exception {
        TestAgent.limit(1);
        CountDownLatch arrived = new CountDownLatch(3);
        CountDownLatch tooMany = new CountDownLatch(4);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> {
            tooMany.countDown(); // first, as the test looks at it when all three have arrived
            arrived.countDown();
            gate.await();
        })) {
            HttpClientOptions options = options().setHttp2MultiplexingLimit(3);
            List<Future<String>> exchanges = burst(client(options), server, 10);
            assertThat(arrived.await(20, TimeUnit.SECONDS))
                    .as(exchanges::toString)
                    .isTrue();
            assertThat(tooMany.getCount()).isEqualTo(1);
            assertThat(figures(server, "https").leased()).isEqualTo(1);
            gate.countDown();
            all(exchanges);
            awaitIdle(server, "https");
        }
    }

    @Test
    void anIdleConnectionMakesRoomForAnotherClient() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> {});
                KernelMeter meter = KernelMeter.start(server.port())) {
            VertxClient first = client();
            VertxClient second = client();
            for (int i = 0; i < 10; i++) {
                assertThat(first.get(server.url("/first"))).startsWith("200 ");
                assertThat(second.get(server.url("/second"))).startsWith("200 ");
            }
            awaitIdle(server, "https");
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void connectionsWithStreamsAreNotEvicted() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.overTls(100, exchange -> Thread.sleep(2));
                KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<String>> exchanges = new ArrayList<>();
            VertxClient[] three = {client(), client(), client()};
            for (int i = 0; i < 300; i++) {
                exchanges.add(three[i % 3].getLater(server.url("/" + i)));
                if (i % 50 == 49) {
                    all(exchanges.subList(i - 5, i - 4)); // several rounds, not one burst
                }
            }
            all(exchanges);
            awaitIdle(server, "https");
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void inClearTextItIsOneConnection(boolean byUpgrade) throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer server = Http2TestServer.inClearText(exchange -> Thread.sleep(5));
                KernelMeter meter = KernelMeter.start(server.port())) {
            VertxClient client = client(new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setHttp2ClearTextUpgrade(byUpgrade));
            for (int round = 0; round < 3; round++) {
                all(burst(client, server, 20));
            }
            awaitIdle(server, "http");
            assertThat(figures(server, "http").idle()).isEqualTo(1);
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }
}
