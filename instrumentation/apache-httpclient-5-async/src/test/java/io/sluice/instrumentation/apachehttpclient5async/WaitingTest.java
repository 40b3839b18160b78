package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.DeadlineTimeoutException;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a wait begins and ends. */
class WaitingTest extends ClientFixture {
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aHundredCallsFromOneThreadWaitWithoutParkingAnybody(Kind kind) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        CloseableHttpAsyncClient client = client(kind);
        List<Future<SimpleHttpResponse>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 100; i++) {
                all.add(TestClients.send(client, server.url("/hold?n=" + i)));
            }
            server.awaitRequests(2);
            awaitPending(98);
            TestAgent.await("the kernel counts two", () -> meter.current() == 2);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            server.letGo();
            for (Future<SimpleHttpResponse> one : all) {
                assertThat(TestClients.text(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        assertThat(server.requests()).hasSize(100);
        // They are handed on, as a rule; the client may discard one.
        assertThat(server.acceptedConnections()).isBetween(2, 5);
        awaitQuiet();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void theConnectionRequestTimeoutBoundsTheWait(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(kind);
        Future<SimpleHttpResponse> holder = hold(client(kind));
        long startNanos = System.nanoTime();
        Throwable thrown = catchThrowable(() -> send(client, 300).get(20, TimeUnit.SECONDS))
                .getCause();
        assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.SECONDS.toNanos(15));
        assertThat(thrown).isInstanceOf(DeadlineTimeoutException.class);
        assertThat(thrown.getCause())
                .isInstanceOf(TimeoutException.class)
                .hasMessageMatching("timed out after ([3-9][0-9]{2}|[0-9]{4,5}) ms waiting for http://127\\.0\\.0\\.1:"
                        + server.port() + " \\(limit=1, leased=1, idle=0, pending=1\\)");
        assertThat(TestAgent.figures(server).pending()).isZero();
        release(holder);
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void aTimeoutOfZeroIsNoLimit() throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(Kind.STRICT);
        Future<SimpleHttpResponse> holder = hold(client);
        Future<SimpleHttpResponse> waiter = send(client, 0);
        awaitPending(1);
        release(holder);
        assertThat(TestClients.text(waiter)).startsWith("200 ");
    }

    @Test
    void aFullQueueIsTheClientsOwnException() throws Exception {
        TestAgent.limits(
                Limits.builder().maxConnectionsPerServer(1).maxPending(1).build());
        CloseableHttpAsyncClient client = client(Kind.STRICT);
        Future<SimpleHttpResponse> holder = hold(client);
        Future<SimpleHttpResponse> waiter = send(client, 20_000);
        awaitPending(1);
        Throwable thrown = catchThrowable(() -> send(client, 20_000).get(20, TimeUnit.SECONDS))
                .getCause();
        assertThat(thrown).isInstanceOf(DeadlineTimeoutException.class);
        assertThat(thrown.getCause()).hasMessageStartingWith("refused at once");
        release(holder);
        assertThat(TestClients.text(waiter)).startsWith("200 ");
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void cancelLeavesTheQueue(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(kind);
        Future<SimpleHttpResponse> holder = hold(client(kind));
        Future<SimpleHttpResponse> first = send(client, 20_000);
        awaitPending(1);
        Future<SimpleHttpResponse> second = send(client, 20_000);
        awaitPending(2);
        assertThat(first.cancel(true)).isTrue();
        assertThat(TestAgent.figures(server).pending()).isEqualTo(1);
        assertThat(catchThrowable(() -> first.get(20, TimeUnit.SECONDS))).isInstanceOf(CancellationException.class);
        release(holder);
        assertThat(TestClients.text(second)).startsWith("200 ");
        assertThat(server.targets()).containsExactly("/hold", "/bytes/10");
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aClosedClientLetsItsWaitersGo(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(kind);
        Future<SimpleHttpResponse> holder = hold(client(Kind.STRICT));
        Future<SimpleHttpResponse> waiter = send(client, 20_000);
        awaitPending(1);
        client.close();
        awaitPending(0);
        assertThat(catchThrowable(() -> waiter.get(20, TimeUnit.SECONDS)))
                .isInstanceOfAny(ExecutionException.class, CancellationException.class);
        release(holder);
        assertThat(server.targets()).containsExactly("/hold");
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void whoWaitsForAFullPoolIsPassedOver(Kind kind) throws Exception {
        TestAgent.limit(2);
        PoolingAsyncClientConnectionManager manager = TestClients.pooling(policy(kind), null);
        manager.setDefaultMaxPerRoute(1);
        CloseableHttpAsyncClient small = closing(TestClients.started(TestClients.builder(manager, null)));
        Future<SimpleHttpResponse> holder = hold(small);
        Future<SimpleHttpResponse> inSmall = send(small, 20_000);
        awaitPending(1);
        assertThat(TestClients.get(client(Kind.STRICT), server.url("/bytes/10")))
                .startsWith("200 ");
        assertThat(inSmall).isNotDone();
        release(holder);
        assertThat(TestClients.text(inSmall)).startsWith("200 ");
    }

    /** The manager's own interface, as libraries use it that are built on it. */
    @Test
    void aLeaseOfTheManagerWaitsAndCanBeCancelled() throws Exception {
        TestAgent.limit(1);
        try (PoolingAsyncClientConnectionManager manager = TestClients.pooling(policy(Kind.STRICT), null)) {
            HttpRoute route = new HttpRoute(new HttpHost("http", server.host(), server.port()));
            AsyncConnectionEndpoint first =
                    manager.lease("a", route, null, Timeout.ofSeconds(20), null).get(20, TimeUnit.SECONDS);
            Future<AsyncConnectionEndpoint> second = manager.lease("b", route, null, Timeout.ofSeconds(20), null);
            Future<AsyncConnectionEndpoint> third = manager.lease("c", route, null, Timeout.ofSeconds(20), null);
            awaitPending(2);
            assertThat(second.cancel(true)).isTrue();
            assertThat(second.isCancelled()).isTrue();
            assertThat(third.isDone()).isFalse();
            manager.release(first, null, TimeValue.NEG_ONE_MILLISECOND);
            manager.release(third.get(20, TimeUnit.SECONDS), null, TimeValue.NEG_ONE_MILLISECOND);
            awaitQuiet();
        }
    }

    @Test
    void aClosedManagerThrowsAsWithoutUs() {
        PoolingAsyncClientConnectionManager manager = TestClients.pooling(policy(Kind.STRICT), null);
        manager.close();
        HttpRoute route = new HttpRoute(new HttpHost("http", server.host(), server.port()));
        assertThatThrownBy(() -> manager.lease("a", route, null, Timeout.ofSeconds(20), null))
                .isInstanceOf(IllegalStateException.class);
        assertThat(TestAgent.figures(server).leased()).isZero();
    }

    @Test
    void whoWaitsIsServedInTheOrderOfItsCall() throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(Kind.STRICT);
        TestServer elsewhere = closing(TestServer.start());
        List<Future<SimpleHttpResponse>> all = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(TestClients.send(client, elsewhere.url("/hold?n=" + i)));
            expected.add("/hold?n=" + i);
        }
        elsewhere.awaitRequests(1);
        elsewhere.letGo();
        for (Future<SimpleHttpResponse> one : all) {
            assertThat(TestClients.text(one)).startsWith("200 ");
        }
        assertThat(elsewhere.targets()).isEqualTo(expected);
    }

    private Future<SimpleHttpResponse> send(CloseableHttpAsyncClient client, int timeoutMillis) {
        SimpleHttpRequest request = TestClients.request("GET", server.url("/bytes/10"));
        request.setConfig(RequestConfig.custom()
                .setConnectionRequestTimeout(Timeout.ofMilliseconds(timeoutMillis))
                .build());
        return TestClients.send(client, request);
    }
}
