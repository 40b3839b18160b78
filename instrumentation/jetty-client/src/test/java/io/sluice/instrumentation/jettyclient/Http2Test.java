package io.sluice.instrumentation.jettyclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
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
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An HTTP/2 connection is one connection, however many streams it carries. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test {
    private final CountDownLatch gate = new CountDownLatch(1);
    private final List<AutoCloseable> toClose = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        gate.countDown();
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    private <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    /** A client that speaks HTTP/2 alone. */
    private Jetty client() throws Exception {
        return closing(new Jetty(JettyHttp2.client(), ContractClient.Setup.plain(), true));
    }

    private static Snapshot figures(Http2TestServer server, String scheme) {
        return TestAgent.table().snapshot(Destination.server(scheme, "127.0.0.1", server.port()));
    }

    private static void awaitIdle(Http2TestServer server, String scheme) throws Exception {
        TestAgent.await("nothing is leased", () -> figures(server, scheme).leased() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> figures(server, scheme).open() == figures(server, scheme).idle());
    }

    private static Object call(Object target, String name) {
        try {
            return Jetty.call(target, name);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static void all(List<Future<?>> exchanges) throws Exception {
        for (Future<?> one : exchanges) {
            Object response = one.get(30, TimeUnit.SECONDS);
            assertThat(Jetty.call(response, "getStatus")).isEqualTo(200);
            assertThat(Jetty.call(response, "getVersion")).hasToString("HTTP/2.0");
        }
    }

    @Test
    void furtherStreamsWaitForNobody() throws Exception {
        TestAgent.limit(1);
        CountDownLatch arrived = new CountDownLatch(40);
        Http2TestServer server = closing(Http2TestServer.inClearText(exchange -> {
            arrived.countDown();
            gate.await();
        }));
        Jetty client = client();
        List<Future<?>> exchanges = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 40; i++) {
                exchanges.add(Jetty.send(client.request(server.url("/" + i))));
            }
            assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
            TestAgent.await("nobody is parked", () -> ParkedThreads.inTheAgent().isEmpty());
            assertThat(figures(server, "http").leased()).isEqualTo(1);
            assertThat(figures(server, "http").open()).isEqualTo(1);
            assertThat(figures(server, "http").pending()).isZero();
            gate.countDown();
            all(exchanges);
            awaitIdle(server, "http");
            assertThat(figures(server, "http").idle()).isEqualTo(1);
            assertThat(meter.current()).isEqualTo(1); // also has the meter look: its thread may not have run yet
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aBurstOfFirstRequestsGoesThrough(int limit) throws Exception {
        TestAgent.limit(limit);
        Http2TestServer server = closing(Http2TestServer.inClearText(exchange -> Thread.sleep(10)));
        Jetty client = client();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int round = 0; round < 3; round++) {
                List<Future<?>> exchanges = new ArrayList<>();
                for (int i = 0; i < 150; i++) {
                    exchanges.add(Jetty.send(client.request(server.url("/" + i))));
                }
                all(exchanges);
            }
            awaitIdle(server, "http");
            assertThat(meter.current()).isPositive();
            assertThat(meter.max()).isBetween(1, limit);
        }
    }

    @Test
    void anIdleConnectionMakesRoomForAnotherClient() throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = closing(Http2TestServer.inClearText(exchange -> {}));
        Jetty first = client();
        Jetty second = client();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 10; i++) {
                assertThat(first.get(server.url("/first"))).startsWith("200 ");
                assertThat(second.get(server.url("/second"))).startsWith("200 ");
            }
            awaitIdle(server, "http");
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void aConnectionWithStreamsIsNotEvicted() throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = closing(Http2TestServer.inClearText(exchange -> Thread.sleep(2)));
        List<Jetty> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            clients.add(client());
        }
        List<Future<?>> exchanges = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            exchanges.add(Jetty.send(clients.get(i % 3).request(server.url("/" + i))));
            if (i % 10 == 0) {
                Thread.sleep(1); // several rounds, not one burst
            }
        }
        all(exchanges);
        awaitIdle(server, "http");
    }

    @Test
    void abortedStreamsDoNotKeepTheLease() throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = closing(Http2TestServer.inClearText(exchange -> {
            if (exchange.getRequestPath().startsWith("/hold")) {
                gate.await(2, TimeUnit.SECONDS);
            }
        }));
        Jetty client = client();
        for (int round = 0; round < 5; round++) {
            List<Future<?>> exchanges = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                exchanges.add(Jetty.send(client.request(server.url("/hold" + i))));
            }
            for (Future<?> one : exchanges) {
                one.cancel(true);
            }
        }
        assertThat(client().get(server.url("/other"))).startsWith("200 ");
        awaitIdle(server, "http");
    }

    @Test
    void aConnectionThatTheServerRetiredIsReplacedWithinTheLimit() throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = closing(Http2TestServer.inClearText(exchange -> {}));
        Jetty client = client();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 5; i++) {
                assertThat(client.get(server.url("/" + i))).startsWith("200 ");
                server.goAway();
                TestAgent.await(
                        "its room is free", () -> figures(server, "http").open() == 0);
                // The early ones offer it for a moment longer, without the agent too.
                Object pool = Jetty.call(client.destination(server.url("/")), "getConnectionPool");
                TestAgent.await("the client has forgotten it", () -> (Boolean) call(pool, "isEmpty"));
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void overTlsAHundredCallsShareOneConnection() throws Exception {
        assumeTrue(JettyHttp2.hasAlpn(), "this version needs a JVM that is patched for ALPN");
        TestAgent.limit(1);
        Http2TestServer server = closing(Http2TestServer.overTls(100, exchange -> Thread.sleep(5)));
        Jetty client = client();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<?>> exchanges = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                exchanges.add(Jetty.send(client.request(server.url("/" + i))));
            }
            all(exchanges);
            awaitIdle(server, "https");
            assertThat(meter.current()).isEqualTo(1);
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @Test
    void aClientThatOffersBothSharesAnHttp2Connection() throws Exception {
        assumeTrue(JettyHttp2.hasDynamic(), "this version speaks one protocol at a time");
        TestAgent.limit(1);
        Http2TestServer server = closing(Http2TestServer.overTls(100, exchange -> Thread.sleep(5)));
        Jetty client =
                closing(new Jetty(JettyHttp2.dynamic(TestTls.clientContext()), ContractClient.Setup.plain(), true));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<?>> exchanges = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                exchanges.add(Jetty.send(client.request(server.url("/" + i))));
            }
            all(exchanges);
            awaitIdle(server, "https");
            assertThat(meter.current()).isEqualTo(1);
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @Test
    void aClientThatOffersBothIsLimitedAtAnHttp11Server() throws Exception {
        assumeTrue(JettyHttp2.hasDynamic(), "this version speaks one protocol at a time");
        TestAgent.limit(2);
        TestServer server = closing(TestServer.builder().tls().start());
        Jetty client =
                closing(new Jetty(JettyHttp2.dynamic(TestTls.clientContext()), ContractClient.Setup.plain(), true));
        List<Future<?>> exchanges = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 20; i++) {
                exchanges.add(Jetty.send(client.request(server.url("/hold/" + i))));
            }
            TestAgent.await("the others wait", () -> TestAgent.figures(server).pending() == 18);
            TestAgent.await("two are under way", () -> server.held() == 2);
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            for (Future<?> one : exchanges) {
                assertThat(Jetty.text(one.get(30, TimeUnit.SECONDS))).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
    }
}
