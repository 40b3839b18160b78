package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An HTTP/2 connection is one connection, leased while it carries a stream. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test {
    private static final int STREAMS = 40;

    /** The clients that send several exchanges over one connection at once. */
    enum Kind {
        HTTP2_ONLY,
        MINIMAL_HTTP2,
        SHARING_POOL
    }

    private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
    private final CountDownLatch gate = new CountDownLatch(1);
    private final AtomicInteger held = new AtomicInteger();
    private Http2TestServer server = overTls();

    private Http2TestServer overTls() {
        return Http2TestServer.overTls(100, exchange -> {
            if (exchange.getRequestPath().startsWith("/hold")) {
                held.incrementAndGet();
                gate.await();
            }
            exchange.getResponseSender().send("done");
        });
    }

    @AfterEach
    void closeAll() throws Exception {
        gate.countDown();
        for (AutoCloseable one : toClose) {
            one.close();
        }
        server.close();
        TestAgent.limits(Limits.defaults());
    }

    private CloseableHttpAsyncClient client(Kind kind) throws Exception {
        CloseableHttpAsyncClient client = Http2Clients.client(kind);
        assumeTrue(client != null, "this version does not have such a client");
        client.start();
        toClose.push(client);
        return client;
    }

    private CloseableHttpAsyncClient http1() {
        CloseableHttpAsyncClient client = TestClients.started(TestClients.builder(
                TestClients.pooling(ClientFixture.policy(ClientFixture.Kind.STRICT), TestTls.clientContext()), null));
        toClose.push(client);
        return client;
    }

    private Snapshot figures() {
        String scheme = server.url("/").startsWith("https") ? "https" : "http";
        return TestAgent.table().snapshot(Destination.server(scheme, "127.0.0.1", server.port()));
    }

    private List<Future<SimpleHttpResponse>> send(int count, CloseableHttpAsyncClient client, String path) {
        List<Future<SimpleHttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(TestClients.send(client, server.url(path)));
        }
        return all;
    }

    private static void allDone(List<Future<SimpleHttpResponse>> calls) throws Exception {
        for (Future<SimpleHttpResponse> one : calls) {
            assertThat(TestClients.text(one)).startsWith("200 ");
        }
    }

    private void awaitIdle() throws Exception {
        TestAgent.await(
                "nothing is leased", () -> figures().leased() == 0 && figures().pending() == 0);
        TestAgent.await(
                "what is open is idle", () -> figures().open() == figures().idle());
    }

    /** A pool shares a connection only once it has come back to it. */
    private CloseableHttpAsyncClient warm(Kind kind) throws Exception {
        CloseableHttpAsyncClient client = client(kind);
        allDone(send(1, client, "/"));
        awaitIdle();
        return client;
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void furtherStreamsWaitForNobody(Kind kind) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = warm(kind);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<SimpleHttpResponse>> all = send(STREAMS, client, "/hold");
            TestAgent.await("all are under way", () -> held.get() == STREAMS);
            assertThat(figures().leased()).isEqualTo(1);
            assertThat(figures().open()).isEqualTo(1);
            assertThat(meter.current()).isEqualTo(1);
            gate.countDown();
            allDone(all);
            assertThat(meter.max()).isEqualTo(1);
        }
        awaitIdle();
        assertThat(figures().idle()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void whoHadToWaitGoesAlong(Kind kind) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
        List<Future<SimpleHttpResponse>> holder = send(1, http1(), "/hold");
        TestAgent.await("it is held", () -> held.get() == 1);
        CloseableHttpAsyncClient client = client(kind);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<SimpleHttpResponse>> all = send(STREAMS, client, "/wait");
            TestAgent.await("all wait", () -> figures().pending() == STREAMS);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            gate.countDown();
            allDone(holder);
            allDone(all);
            assertThat(meter.max()).isLessThanOrEqualTo(1); // it may be too short-lived to be seen
        }
        awaitIdle();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void anIdleConnectionMakesRoomForAnotherClient(Kind kind) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = warm(kind);
        CloseableHttpAsyncClient other = http1();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 5; i++) {
                allDone(send(1, other, "/"));
                allDone(send(3, client, "/"));
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        awaitIdle();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void evictionNeverFailsAnExchange(Kind kind) throws Exception {
        TestAgent.limit(2);
        List<CloseableHttpAsyncClient> clients = new ArrayList<>();
        clients.add(client(kind));
        clients.add(http1());
        clients.add(client(kind));
        clients.add(http1());
        List<Future<SimpleHttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            for (CloseableHttpAsyncClient one : clients) {
                all.addAll(send(2, one, "/"));
            }
            if (i % 4 == 3) {
                allDone(all);
                all.clear();
            }
        }
        awaitIdle();
    }

    /** The client resets a cancelled stream only when the next frame for it comes. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void cancelledStreamsGiveTheLeaseBackWhenTheyEnd(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = warm(kind);
        List<Future<SimpleHttpResponse>> all = send(5, client, "/hold");
        TestAgent.await("all are under way", () -> held.get() == 5);
        for (Future<SimpleHttpResponse> one : all) {
            one.cancel(true);
        }
        gate.countDown();
        awaitIdle();
        allDone(send(1, http1(), "/"));
        awaitIdle();
    }

    @Test
    void theConnectionOfAClearTextServerIsOneToo() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
        server.close();
        server = Http2TestServer.inClearText(exchange -> {
            held.incrementAndGet();
            gate.await();
        });
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<SimpleHttpResponse>> all = send(STREAMS, client(Kind.HTTP2_ONLY), "/hold");
            TestAgent.await("all are under way", () -> held.get() == STREAMS);
            TestAgent.await("the kernel counts one", () -> meter.current() == 1);
            gate.countDown();
            allDone(all);
            assertThat(meter.max()).isEqualTo(1);
        }
        awaitIdle();
    }

    /** Up to 5.4, and later unless told otherwise, the pool leases a connection of HTTP/2 to one exchange at a time. */
    @Test
    void aPoolThatDoesNotShareKeepsTheLimit() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        CloseableHttpAsyncClient client = Http2Clients.pooling();
        client.start();
        toClose.push(client);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<SimpleHttpResponse>> all = send(20, client, "/hold");
            TestAgent.await("two are under way", () -> held.get() == 2);
            TestAgent.await("the kernel counts two", () -> meter.current() == 2);
            gate.countDown();
            allDone(all);
            assertThat(all.get(0).get().getVersion().getMajor()).isEqualTo(2);
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitIdle();
    }
}
