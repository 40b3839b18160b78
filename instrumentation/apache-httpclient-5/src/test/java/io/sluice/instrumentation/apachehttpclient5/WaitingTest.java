package io.sluice.instrumentation.apachehttpclient5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.io.BasicHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.LeaseRequest;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a wait begins and ends. */
class WaitingTest extends ClientFixture {
    @ParameterizedTest
    @EnumSource(Manager.class)
    void theConnectionRequestTimeoutBoundsTheWait(Manager manager) throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(manager);
        CloseableHttpClient other = client(manager);
        Future<String> holder = hold(other);
        HttpGet get = new HttpGet(server.url("/bytes/10"));
        get.setConfig(timeout(300));
        long startNanos = System.nanoTime();
        assertThatThrownBy(() -> TestClients.execute(client, get))
                .isInstanceOf(ConnectionRequestTimeoutException.class)
                .hasMessageMatching("timed out after ([3-9][0-9]{2}|[0-9]{4,5}) ms waiting for http://127\\.0\\.0\\.1:"
                        + server.port() + " \\(limit=1, leased=1, idle=0, pending=1\\)");
        assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.SECONDS.toNanos(15));
        release(holder);
    }

    @Test
    void aTimeoutOfZeroDoesNotForbidToWaitForTheLimit() throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(Manager.STRICT);
        Future<String> holder = hold(client);
        Future<String> waiter = threads.submit(() -> {
            HttpGet get = new HttpGet(server.url("/bytes/10"));
            get.setConfig(timeout(0));
            return TestClients.execute(client, get);
        });
        awaitPending(1);
        release(holder);
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
    }

    @Test
    void aFullQueueIsTheClientsOwnException() throws Exception {
        TestAgent.limits(
                Limits.builder().maxConnectionsPerServer(1).maxPending(1).build());
        CloseableHttpClient client = client(Manager.STRICT);
        Future<String> holder = hold(client);
        Future<String> waiter = threads.submit(() -> TestClients.get(client, server.url("/bytes/10")));
        awaitPending(1);
        assertThatThrownBy(() -> TestClients.get(client, server.url("/bytes/10")))
                .isInstanceOf(ConnectionRequestTimeoutException.class)
                .hasMessageStartingWith("refused at once");
        release(holder);
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void cancelEndsTheWait(Manager manager) throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(manager);
        Future<String> holder = hold(client(manager));
        HttpGet get = new HttpGet(server.url("/bytes/10"));
        Future<String> waiter = threads.submit(() -> TestClients.execute(client, get));
        awaitPending(1);
        get.cancel();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(CancellationException.class);
        release(holder);
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void aRequestThatIsCancelledBeforeItIsWaitedForKeepsNoLease() throws Exception {
        TestAgent.limit(1);
        try (PoolingHttpClientConnectionManager manager = TestClients.pooling(policy(Manager.STRICT), null)) {
            HttpRoute route = new HttpRoute(new HttpHost("http", server.host(), server.port()));
            LeaseRequest request = manager.lease("x", route, Timeout.ofSeconds(1), null);
            assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
            assertThat(request.cancel()).isTrue();
            assertThat(TestAgent.figures(server).leased()).isZero();
            assertThat(catchThrowable(() -> request.get(Timeout.ofSeconds(1))))
                    .isInstanceOf(CancellationException.class);
            assertThat(manager.getTotalStats().getLeased()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void aClosedManagerLetsItsWaitersGo(Manager manager) throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(manager);
        Future<String> holder = hold(client(Manager.STRICT));
        Future<String> waiter = threads.submit(() -> TestClients.get(client, server.url("/bytes/10")));
        awaitPending(1);
        client.close();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IllegalStateException.class);
        assertThat(catchThrowable(() -> TestClients.get(client, server.url("/bytes/10"))))
                .isInstanceOf(IllegalStateException.class);
        release(holder);
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void closingTheManagerOfAnExchangeGivesItsLeaseBack(Manager manager) throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(manager);
        Future<String> holder = hold(client);
        client.close();
        server.letGo();
        TestAgent.await("the exchange is over", holder::isDone);
        assertThat(TestClients.get(client(Manager.STRICT), server.url("/bytes/10")))
                .startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @EnumSource(value = Manager.class, names = "BASIC", mode = EnumSource.Mode.EXCLUDE)
    void whoWaitsForAFullPoolIsPassedOver(Manager kind) throws Exception {
        TestAgent.limit(2);
        PoolingHttpClientConnectionManager manager = TestClients.pooling(policy(kind), null);
        manager.setDefaultMaxPerRoute(1);
        CloseableHttpClient small = closing(TestClients.builder(manager, null).build());
        Future<String> holder = hold(small);
        Future<String> inSmall = threads.submit(() -> TestClients.get(small, server.url("/bytes/10")));
        awaitPending(1);
        assertThat(TestClients.get(client(Manager.STRICT), server.url("/bytes/10")))
                .startsWith("200 ");
        assertThat(inSmall).isNotDone();
        release(holder);
        assertThat(inSmall.get(20, TimeUnit.SECONDS)).startsWith("200 ");
    }

    @Test
    void whoWaitsForAPoolThatIsFullInTotalIsPassedOver() throws Exception {
        TestAgent.limit(2);
        PoolingHttpClientConnectionManager manager = TestClients.pooling(policy(Manager.STRICT), null);
        manager.setMaxTotal(1);
        CloseableHttpClient small = closing(TestClients.builder(manager, null).build());
        TestServer elsewhere = closing(TestServer.start());
        Future<String> holder = threads.submit(() -> TestClients.get(small, elsewhere.url("/hold")));
        elsewhere.awaitRequests(1);
        Future<String> inSmall = threads.submit(() -> TestClients.get(small, server.url("/bytes/10")));
        awaitPending(1);
        assertThat(TestClients.get(client(Manager.STRICT), server.url("/bytes/10")))
                .startsWith("200 ");
        elsewhere.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        assertThat(inSmall.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void aBasicManagerThatIsLeasedTwiceSaysSoAtOnce() throws Exception {
        TestAgent.limit(1);
        try (BasicHttpClientConnectionManager manager = TestClients.basic(null)) {
            HttpRoute route = new HttpRoute(new HttpHost("http", server.host(), server.port()));
            ConnectionEndpoint first =
                    manager.lease("x", route, Timeout.ofSeconds(20), null).get(Timeout.ofSeconds(20));
            assertThat(catchThrowable(() -> manager.lease("y", route, Timeout.ofSeconds(30), null)
                            .get(Timeout.ofSeconds(30))))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("still allocated");
            manager.release(first, null, TimeValue.NEG_ONE_MILLISECOND);
            // Whatever stays behind is met again by a later test whose server gets this one's port.
            awaitQuiet();
        }
    }

    private static RequestConfig timeout(int millis) {
        return RequestConfig.custom()
                .setConnectionRequestTimeout(Timeout.ofMilliseconds(millis))
                .build();
    }
}
