package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls that are cancelled: the client resets their connections (SO_LINGER of zero) or forgets them. */
class CancelTest extends ClientFixture {
    /**
     * The call has waited, and goes on with a connection that is open already: of one that did not wait or that connects
     * the client may forget what it would have to cancel, as the thread that began the step says so after the next one.
     */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void cancelWhileTheServerThinksGivesTheLeaseBack(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(kind);
        Future<SimpleHttpResponse> first = hold(client);
        Future<SimpleHttpResponse> cancelled = TestClients.send(client, server.url("/hold"));
        awaitPending(1);
        Future<SimpleHttpResponse> next = TestClients.send(client, server.url("/bytes/10"));
        awaitPending(2);
        server.letGo(1);
        assertThat(TestClients.text(first)).startsWith("200 ");
        server.awaitRequests(2);
        cancelled.cancel(true);
        assertThat(TestClients.text(next)).startsWith("200 ");
        awaitQuiet();
    }

    /** A call that did not wait cannot be cancelled while it connects: the client forgets what it would have to cancel. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aConnectThatTimesOutOrIsCancelledGivesTheLeaseAndTheRoomBack(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(kind);
        List<Socket> crowd = new ArrayList<>();
        try (ServerSocket deaf = new ServerSocket(0, 1)) {
            // Nobody accepts: the backlog is full after two, and the kernel answers no further SYN.
            for (int i = 0; i < 2; i++) {
                crowd.add(new Socket("127.0.0.1", deaf.getLocalPort()));
            }
            Destination destination = Destination.server("http", "127.0.0.1", deaf.getLocalPort());
            String url = "http://127.0.0.1:" + deaf.getLocalPort() + "/";
            Future<SimpleHttpResponse> timesOut = TestClients.send(client, connectTimeout(url, 500));
            Future<SimpleHttpResponse> connecting = TestClients.send(client, connectTimeout(url, 20_000));
            assertThat(catchThrowable(() -> timesOut.get(20, TimeUnit.SECONDS)))
                    .hasCauseInstanceOf(ConnectTimeoutException.class);
            TestAgent.await(
                    "the second connects",
                    () -> TestAgent.table().snapshot(destination).leased() == 1
                            && TestAgent.table().snapshot(destination).pending() == 0
                            && TestAgent.table().snapshot(destination).open() == 1);
            connecting.cancel(true);
            TestAgent.await(
                    "nothing is left",
                    () -> TestAgent.table().snapshot(destination).open() == 0
                            && TestAgent.table().snapshot(destination).leased() == 0);
        } finally {
            for (Socket one : crowd) {
                one.close();
            }
        }
    }

    @SuppressWarnings("deprecation") // its successor is not in 5.0
    private static SimpleHttpRequest connectTimeout(String url, int millis) {
        SimpleHttpRequest request = TestClients.request("GET", url);
        request.setConfig(RequestConfig.custom()
                .setConnectTimeout(org.apache.hc.core5.util.Timeout.ofMilliseconds(millis))
                .build());
        return request;
    }

    @Test
    void aStormOfCancelsNeverPassesTheLimitNorLosesALease() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
        TestServer slow = closing(TestServer.builder().delayMillis(2).start());
        CloseableHttpAsyncClient client = client(Kind.STRICT);
        CloseableHttpAsyncClient other = client(Kind.LAX);
        try (KernelMeter meter = KernelMeter.start(slow.port())) {
            List<Future<SimpleHttpResponse>> all = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                Future<SimpleHttpResponse> call = TestClients.send(i % 2 == 0 ? client : other, slow.url("/bytes/100"));
                if (i % 6 == 5) {
                    all.add(call);
                } else {
                    TimeUnit.MICROSECONDS.sleep(ThreadLocalRandom.current().nextInt(6000));
                    call.cancel(true);
                }
            }
            for (Future<SimpleHttpResponse> one : all) {
                assertThat(TestClients.text(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
            awaitQuiet(slow);
            TestAgent.await(
                    "the kernel has as many connections as we count",
                    () -> meter.current() == TestAgent.figures(slow).open());
        }
    }
}
