package io.sluice.instrumentation.apachehttpasyncclient4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpHost;
import org.apache.http.HttpResponse;
import org.apache.http.auth.AuthScope;
import org.apache.http.auth.UsernamePasswordCredentials;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.BasicCredentialsProvider;
import org.apache.http.impl.conn.ConnectionShutdownException;
import org.apache.http.impl.nio.client.HttpAsyncClients;
import org.apache.http.impl.nio.conn.PoolingNHttpClientConnectionManager;
import org.apache.http.impl.nio.reactor.DefaultConnectingIOReactor;
import org.apache.http.impl.nio.reactor.ExceptionEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How connections are opened, kept, evicted and lost. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConnectionsTest extends AsyncTestBase {
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void manyClientsShareTheLimit(boolean tls) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer server = closing((tls ? TestServer.builder().tls() : TestServer.builder()).start());
        List<AsyncClient4> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            ContractClient.Setup setup = ContractClient.Setup.plain();
            clients.add(closing(AsyncClient4.with(tls ? setup.trusting(TestTls.clientContext()) : setup)));
        }
        List<Future<HttpResponse>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < (tls ? 24 : 150); i++) {
                all.add(clients.get(i % clients.size()).send(server.url("/bytes/300")));
            }
            for (Future<HttpResponse> one : all) {
                assertThat(AsyncClient4.text(one)).startsWith("200 abc").hasSize(304);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        awaitQuiet(server);
    }

    @Test
    void cancellingAtAnyMomentLosesNothing() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        List<DefaultConnectingIOReactor> reactors = new ArrayList<>();
        AsyncClient4[] clients = new AsyncClient4[2];
        for (int i = 0; i < clients.length; i++) {
            DefaultConnectingIOReactor reactor = new DefaultConnectingIOReactor();
            reactors.add(reactor);
            PoolingNHttpClientConnectionManager manager = new PoolingNHttpClientConnectionManager(reactor);
            manager.setDefaultMaxPerRoute(100);
            manager.setMaxTotal(200);
            clients[i] = closing(new AsyncClient4(
                    HttpAsyncClients.custom().setConnectionManager(manager).build()));
        }
        try {
            cancelAtAnyMoment(clients);
        } catch (Exception | AssertionError failure) {
            for (DefaultConnectingIOReactor reactor : reactors) {
                assumeTrue(!diedOfACancel(reactor), "skipped: a cancel has ended the client's own threads");
            }
            throw failure;
        }
    }

    /**
     * Without the agent too: a call that is cancelled as it is given its connection, in the midst of {@code
     * connectionAllocated}, throws what ends the thread, and with it the reactor.
     */
    private static boolean diedOfACancel(DefaultConnectingIOReactor reactor) {
        List<ExceptionEvent> events = reactor.getAuditLog();
        return events != null && events.stream().anyMatch(one -> one.getCause() instanceof ConnectionShutdownException);
    }

    private void cancelAtAnyMoment(AsyncClient4[] clients) throws Exception {
        TestServer server = closing(TestServer.builder().delayMillis(1).start());
        Random random = new Random(4);
        List<Future<HttpResponse>> all = new ArrayList<>();
        int cancelled = 0;
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 600; i++) {
                HttpGet get = new HttpGet(server.url("/bytes/100"));
                Future<HttpResponse> future = clients[i % 2].http.execute(get, null);
                all.add(future);
                if (random.nextInt(10) < 7) {
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(3000)); // any moment will do
                    get.abort();
                    future.cancel(true);
                }
            }
            for (Future<HttpResponse> one : all) {
                try {
                    assertThat(AsyncClient4.text(one)).startsWith("200 ");
                } catch (CancellationException e) {
                    cancelled++;
                }
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        assertThat(cancelled).isPositive();
        awaitQuiet(server);
        assertThat(clients[0].get(server.url("/bytes/2"))).isEqualTo("200 ab");
        assertThat(clients[1].get(server.url("/bytes/2"))).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void aCancelledExchangeGivesItsConnectionsRoomBack() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        for (int i = 0; i < 5; i++) {
            server.forgetRequests();
            HttpGet get = new HttpGet(server.url("/never"));
            client.http.execute(get, null);
            server.awaitRequests(1);
            get.abort();
            assertThat(client().get(server.url("/bytes/2"))).isEqualTo("200 ab");
        }
        awaitQuiet(server);
    }

    @Test
    void idleConnectionsThatTheProgramClosesAreNotCounted() throws Exception {
        TestServer server = closing(TestServer.start());
        PoolingNHttpClientConnectionManager manager =
                new PoolingNHttpClientConnectionManager(new DefaultConnectingIOReactor());
        AsyncClient4 client = closing(new AsyncClient4(
                HttpAsyncClients.custom().setConnectionManager(manager).build()));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
            TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
            manager.closeIdleConnections(0, TimeUnit.MILLISECONDS);
            TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
        }
        assertThat(server.acceptedConnections()).isEqualTo(3);
    }

    @Test
    void idleConnectionsThatTheServerClosesAreNotCounted() throws Exception {
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = client();
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
            TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
            server.closeIdleConnections();
            TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
        }
    }

    @Test
    void aRedirectToAnotherServerHoldsOneLeaseAtATime() throws Exception {
        TestAgent.limit(1);
        TestServer first = closing(TestServer.start());
        TestServer second = closing(TestServer.start());
        AsyncClient4 client = client();
        List<Future<HttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            all.add(client.send(first.url("/redirect?to=" + second.url("/bytes/2"))));
            all.add(client.send(second.url("/redirect?to=" + first.url("/bytes/2"))));
        }
        for (Future<HttpResponse> one : all) {
            assertThat(AsyncClient4.text(one)).isEqualTo("200 ab");
        }
        awaitQuiet(first);
        awaitQuiet(second);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aChallengeIsAnsweredWithoutASecondLease(boolean keepAlive) throws Exception {
        TestAgent.limit(1);
        TestServer server =
                closing((keepAlive ? TestServer.builder() : TestServer.builder().withoutKeepAlive()).start());
        BasicCredentialsProvider credentials = new BasicCredentialsProvider();
        credentials.setCredentials(
                new AuthScope(new HttpHost(server.host(), server.port())),
                new UsernamePasswordCredentials(TestServer.USER, TestServer.PASSWORD));
        AsyncClient4 client = closing(new AsyncClient4(HttpAsyncClients.custom()
                .setDefaultCredentialsProvider(credentials)
                .build()));
        List<Future<HttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(client.send(server.url("/auth?bytes=2")));
        }
        for (Future<HttpResponse> one : all) {
            assertThat(AsyncClient4.text(one)).isEqualTo("200 ab");
        }
        awaitQuiet(server);
    }

    @Test
    void theMinimalClientIsLimitedToo() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AsyncClient4 client = closing(new AsyncClient4(HttpAsyncClients.createMinimal()));
        List<Future<HttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(client.http.execute(
                    new HttpHost(server.host(), server.port()), new HttpGet("/hold"), null)); // sends the URI as it is
        }
        server.awaitRequests(1);
        awaitPending(server, 4);
        server.letGo();
        for (Future<HttpResponse> one : all) {
            assertThat(AsyncClient4.text(one)).isEqualTo("200 ok");
        }
        assertThat(server.acceptedConnections()).isEqualTo(1);
        awaitQuiet(server);
    }
}
