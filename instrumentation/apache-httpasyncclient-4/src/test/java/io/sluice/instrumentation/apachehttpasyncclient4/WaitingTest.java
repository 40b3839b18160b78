package io.sluice.instrumentation.apachehttpasyncclient4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.impl.nio.client.CloseableHttpAsyncClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How calls wait, and how the wait ends. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WaitingTest extends AsyncTestBase {
    @Test
    void nobodyIsParkedWhileAHundredCallsOfOneThreadWait() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        List<Future<HttpResponse>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 100; i++) {
                all.add(client.send(server.url("/hold?n=" + i)));
            }
            server.awaitRequests(2);
            awaitPending(server, 98);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            for (Future<HttpResponse> one : all) {
                assertThat(AsyncClient4.text(one)).isEqualTo("200 ok");
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
        AsyncClient4 client = client();
        List<Future<HttpResponse>> all = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            expected.add("/hold?n=" + i);
            all.add(client.send(server.url("/hold?n=" + i)));
        }
        server.letGo();
        for (Future<HttpResponse> one : all) {
            AsyncClient4.text(one);
        }
        assertThat(server.targets()).isEqualTo(expected);
    }

    @Test
    void aCancelledCallLeavesTheQueue() throws Exception {
        assumeTrue(cancelEndsExchange(), "up to 4.1.2 a cancelled future does not end the exchange");
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        Future<HttpResponse> holder = client.send(server.url("/hold?1"));
        server.awaitRequests(1);
        Future<HttpResponse> cancelled = client.send(server.url("/hold?2"));
        Future<HttpResponse> last = client.send(server.url("/hold?3"));
        awaitPending(server, 2);
        cancelled.cancel(true);
        assertThat(cancelled.isCancelled()).isTrue();
        assertThat(TestAgent.figures(server).pending()).isEqualTo(1);
        server.letGo();
        assertThat(AsyncClient4.text(holder)).isEqualTo("200 ok");
        assertThat(AsyncClient4.text(last)).isEqualTo("200 ok");
        assertThat(server.targets()).containsExactly("/hold?1", "/hold?3");
        awaitQuiet(server);
    }

    @Test
    void anAbortedRequestLeavesTheQueueAndItsCallbackHearsOfIt() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        client.send(server.url("/hold"));
        server.awaitRequests(1);
        HttpGet get = new HttpGet(server.url("/hold"));
        Heard heard = new Heard();
        client.http.execute(get, heard);
        awaitPending(server, 1);
        get.abort();
        assertThat(heard.get(20, TimeUnit.SECONDS)).isEqualTo("cancelled");
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        awaitQuiet(server);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void theConnectionRequestTimeoutCountsTheWait() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        Future<HttpResponse> holder = client.send(server.url("/hold"));
        server.awaitRequests(1);
        HttpGet get = new HttpGet(server.url("/hold"));
        get.setConfig(RequestConfig.custom().setConnectionRequestTimeout(200).build());
        long startNanos = System.nanoTime();
        Throwable thrown = failure(client.http.execute(get, null));
        assertThat(System.nanoTime() - startNanos)
                .isBetween(TimeUnit.MILLISECONDS.toNanos(199), TimeUnit.SECONDS.toNanos(10));
        assertThat(thrown).isInstanceOf(TimeoutException.class);
        assertThat(thrown.getMessage())
                .matches("timed out after [0-9]+ ms waiting for http://127\\.0\\.0\\.1:" + server.port()
                        + " \\(limit=1, leased=1, idle=0, pending=1\\)");
        server.letGo();
        assertThat(AsyncClient4.text(holder)).isEqualTo("200 ok");
        awaitQuiet(server);
    }

    @Test
    void callsThatWaitEndWhenTheirClientIsClosed() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AsyncClient4 other = client();
        Future<HttpResponse> holder = other.send(server.url("/hold"));
        server.awaitRequests(1);
        AsyncClient4 client = client();
        List<Future<HttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(client.send(server.url("/hold")));
        }
        awaitPending(server, 3);
        client.close();
        for (Future<HttpResponse> one : all) {
            assertThat(failure(one)).isInstanceOf(IllegalStateException.class).hasMessage("Connection pool shut down");
        }
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(AsyncClient4.text(holder)).isEqualTo("200 ok");
        awaitQuiet(server);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void aClientThatIsClosedInTheMiddleGivesItsLeasesBack() throws Exception {
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        client.send(server.url("/hold"));
        client.send(server.url("/hold"));
        server.awaitRequests(2);
        client.close();
        AsyncClient4 other = client();
        assertThat(other.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet(server);
    }

    @Test
    void aCallOfACallbackTakesItsTurn() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        final CloseableHttpAsyncClient http = client().http;
        final Heard last = new Heard();
        final HttpGet second = new HttpGet(server.url("/bytes/2"));
        http.execute(new HttpGet(server.url("/bytes/1")), new Heard() {
            @Override
            public void completed(HttpResponse response) {
                http.execute(second, last);
            }
        });
        assertThat(last.get(20, TimeUnit.SECONDS)).isEqualTo("completed");
        awaitQuiet(server);
    }

    @Test
    void aPoolThatIsFullIsPassedOver() throws Exception {
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        AsyncClient4 small = closing(new AsyncClient4(AsyncClient4.builder(ContractClient.Setup.plain())
                .setMaxConnPerRoute(1)
                .build()));
        List<Future<HttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(small.send(server.url("/hold?small")));
        }
        server.awaitRequests(1);
        all.add(client().send(server.url("/hold?other")));
        server.awaitRequests(2); // though three calls have waited for longer
        assertThat(server.targets()).containsExactly("/hold?small", "/hold?other");
        server.letGo();
        for (Future<HttpResponse> one : all) {
            assertThat(AsyncClient4.text(one)).isEqualTo("200 ok");
        }
        awaitQuiet(server);
    }

    /** What a callback hears. */
    static class Heard extends CompletableFuture<String> implements FutureCallback<HttpResponse> {
        @Override
        public void completed(HttpResponse response) {
            complete("completed");
        }

        @Override
        public void failed(Exception thrown) {
            complete("failed: " + thrown);
        }

        @Override
        public void cancelled() {
            complete("cancelled");
        }
    }
}
