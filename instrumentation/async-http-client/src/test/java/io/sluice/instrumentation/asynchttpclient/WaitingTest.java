package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.asynchttpclient.AsyncCompletionHandler;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How calls wait, and how the wait ends. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WaitingTest extends AhcTestBase {
    @Test
    void nobodyIsParkedWhileAHundredCallsOfOneThreadWait() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 100; i++) {
                all.add(client.send(server.url("/hold?n=" + i)));
            }
            server.awaitRequests(2);
            awaitPending(server, 98);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            for (ListenableFuture<Response> one : all) {
                assertThat(AhcClient.text(one)).isEqualTo("200 ok");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        assertThat(server.requests()).hasSize(100);
        assertThat(server.acceptedConnections()).isEqualTo(2);
        awaitQuiet(server);
    }

    @Test
    void grantsInTheOrderInWhichOneThreadAsked() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            expected.add("/hold?n=" + i);
            all.add(client.send(server.url("/hold?n=" + i)));
        }
        server.letGo();
        for (ListenableFuture<Response> one : all) {
            AhcClient.text(one);
        }
        assertThat(server.targets()).isEqualTo(expected);
    }

    @Test
    void aCancelledCallLeavesTheQueue() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        ListenableFuture<Response> holder = client.send(server.url("/hold?1"));
        server.awaitRequests(1);
        ListenableFuture<Response> cancelled = client.send(server.url("/hold?2"));
        ListenableFuture<Response> last = client.send(server.url("/hold?3"));
        awaitPending(server, 2);
        cancelled.cancel(true);
        assertThat(cancelled.isCancelled()).isTrue();
        assertThat(TestAgent.figures(server).pending()).isEqualTo(1);
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        assertThat(AhcClient.text(last)).isEqualTo("200 ok");
        assertThat(server.targets()).containsExactly("/hold?1", "/hold?3");
        awaitQuiet(server);
    }

    @Test
    void theRequestTimeoutEndsTheWait() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        ListenableFuture<Response> holder = client.send(server.url("/hold"));
        server.awaitRequests(1);
        long startNanos = System.nanoTime();
        Throwable thrown =
                failure(client.http.executeRequest(millis(Dsl.get(server.url("/hold")), "setRequestTimeout", 200)));
        assertThat(System.nanoTime() - startNanos)
                .isBetween(TimeUnit.MILLISECONDS.toNanos(199), TimeUnit.SECONDS.toNanos(10));
        assertTimedOut(thrown, server);
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        awaitQuiet(server);
    }

    @Test
    void theWaitTimeoutEndsTheWait() throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(1)
                .waitTimeoutNanos(TimeUnit.MILLISECONDS.toNanos(200))
                .build());
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        ListenableFuture<Response> holder = client.send(server.url("/hold"));
        server.awaitRequests(1);
        assertTimedOut(failure(client.send(server.url("/hold"))), server);
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        awaitQuiet(server);
    }

    private static void assertTimedOut(Throwable thrown, TestServer server) {
        assertThat(thrown).isInstanceOf(TimeoutException.class);
        assertThat(thrown.getMessage())
                .matches("timed out after [0-9]+ ms waiting for http://127\\.0\\.0\\.1:" + server.port()
                        + " \\(limit=1, leased=1, idle=0, pending=1\\)");
    }

    @Test
    void theRequestTimeoutCountsTheWait() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        client.send(server.url("/hold?1"));
        server.awaitRequests(1);
        long startNanos = System.nanoTime();
        ListenableFuture<Response> late =
                client.http.executeRequest(millis(Dsl.get(server.url("/never")), "setRequestTimeout", 5000));
        awaitPending(server, 1);
        TimeUnit.NANOSECONDS.sleep(TimeUnit.MILLISECONDS.toNanos(2500) - (System.nanoTime() - startNanos));
        server.letGo();
        server.awaitRequests(2);
        assertThat(failure(late))
                .isInstanceOf(TimeoutException.class)
                .hasMessage("Request timeout to 127.0.0.1:" + server.port() + " after 5000 ms");
        assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.MILLISECONDS.toNanos(7400));
        awaitQuiet(server);
    }

    @Test
    void callsThatWaitEndWhenTheirClientIsClosed() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient other = client();
        ListenableFuture<Response> holder = other.send(server.url("/hold"));
        server.awaitRequests(1);
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(client.send(server.url("/hold")));
        }
        awaitPending(server, 3);
        client.close();
        for (ListenableFuture<Response> one : all) {
            assertThat(failure(one)).isInstanceOf(IllegalStateException.class).hasMessage("Closed");
        }
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        awaitQuiet(server);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void aClientThatIsClosedInTheMiddleGivesItsLeasesBack() throws Exception {
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        client.send(server.url("/hold"));
        client.send(server.url("/hold"));
        server.awaitRequests(2);
        client.close();
        assertThat(client().get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet(server);
    }

    @Test
    void aCallOfACallbackTakesItsTurn() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        CompletableFuture<Response> last = new CompletableFuture<>();
        client.http.prepareGet(server.url("/bytes/1")).execute(new AsyncCompletionHandler<Void>() {
            @Override
            public Void onCompleted(Response response) {
                client.http
                        .prepareGet(server.url("/bytes/2"))
                        .execute()
                        .toCompletableFuture()
                        .thenAccept(last::complete);
                return null;
            }
        });
        assertThat(last.get(20, TimeUnit.SECONDS).getResponseBody()).isEqualTo("ab");
        awaitQuiet(server);
    }

    /** The client tells its handler that it looks for a connection; the lease of that call is not the handler's. */
    @Test
    void aCallThatBeginsWhileAnotherBeginsHasItsOwnLease() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        List<ListenableFuture<Response>> inner = new ArrayList<>();
        ListenableFuture<Response> outer = client.http
                .prepareGet(server.url("/hold?outer"))
                .execute(handler("onConnectionPoolAttempt", () -> {
                    inner.add(client.send(server.url("/hold?1")));
                    inner.add(client.send(server.url("/hold?2")));
                }));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            server.awaitRequests(2);
            awaitPending(server, 1);
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            assertThat(AhcClient.text(outer)).isEqualTo("200 ok");
            for (ListenableFuture<Response> one : inner) {
                assertThat(AhcClient.text(one)).isEqualTo("200 ok");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitQuiet(server);
    }

    @Test
    void theClientsOwnLimitFailsAsWithoutTheAgent() throws Exception {
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(
                AhcClient.config(ContractClient.Setup.plain()).setMaxConnectionsPerHost(1))));
        ListenableFuture<Response> holder = client.send(server.url("/hold"));
        server.awaitRequests(1);
        for (int i = 0; i < 3; i++) {
            assertThat(failure(client.send(server.url("/hold")))).hasMessageContaining("Too many connections: 1");
        }
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void aCallThatWaitedCountsTowardsTheClientsOwnLimit() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(
                AhcClient.config(ContractClient.Setup.plain()).setMaxConnectionsPerHost(1))));
        ListenableFuture<Response> holder = client().send(server.url("/hold?1"));
        server.awaitRequests(1);
        ListenableFuture<Response> waited = client.send(server.url("/hold?2"));
        awaitPending(server, 1);
        server.letGo(1);
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        server.awaitRequests(2);
        TestAgent.limit(2);
        assertThat(failure(client.send(server.url("/hold?3")))).hasMessageContaining("Too many connections: 1");
        server.letGo();
        assertThat(AhcClient.text(waited)).isEqualTo("200 ok");
        assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void aClientThatParksAtItsOwnLimitParksNoEventLoop() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        TestServer second = closing(TestServer.start());
        DefaultAsyncHttpClientConfig.Builder config =
                AhcClient.config(ContractClient.Setup.plain()).setMaxConnections(1);
        assumeTrue(set(config, "setAcquireFreeChannelTimeout", int.class, 8000), "since 2.6 or so");
        AhcClient other = client();
        ListenableFuture<Response> holder = other.send(second.url("/hold"));
        second.awaitRequests(1);
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(config.setIoThreadsCount(1))));
        ListenableFuture<Response> waits = client.send(second.url("/bytes/2"));
        awaitPending(second, 1);
        ListenableFuture<Response> first = client.send(server.url("/hold"));
        server.awaitRequests(1);
        second.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        awaitPending(second, 0); // it is the client's own limit for which it waits now
        long startNanos = System.nanoTime();
        server.letGo();
        assertThat(AhcClient.text(first)).isEqualTo("200 ok");
        assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.MILLISECONDS.toNanos(7000));
        client.close();
        failure(waits);
        awaitQuiet(server);
    }
}
