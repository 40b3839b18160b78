package io.sluice.instrumentation.apachehttpclient3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.apache.commons.httpclient.SimpleHttpConnectionManager;
import org.apache.commons.httpclient.methods.GetMethod;
import org.apache.commons.httpclient.util.IdleConnectionTimeoutThread;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that use the simple manager without ever releasing its connection. */
class SimpleManagerTest extends HttpClient3TestCase {
    @ParameterizedTest
    @ValueSource(strings = {"/bytes/5", "/bytes/1000000", "/chunked/100000", "/close?bytes=100000"})
    void whoNeverReleasesDoesNotWaitForItself(String path) throws Exception {
        HttpClient3 client = on(new SimpleHttpConnectionManager());
        for (int i = 0; i < 5; i++) {
            assertThat(client.start(server.url(path), new GetMethod(path))).isEqualTo(200);
        }
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @Test
    void askingForAnotherServerGivesTheFirstOneBack() throws Exception {
        TestServer other = closing(TestServer.start());
        HttpClient3 client = on(new SimpleHttpConnectionManager());
        for (int i = 0; i < 3; i++) {
            client.start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
            assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
            client.start(other.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
            assertThat(TestAgent.figures(server).leased()).isZero();
            assertThat(TestAgent.figures(server).open()).isZero();
        }
        client.get(server.url("/"));
        awaitQuiet();
        awaitQuiet(other);
    }

    @Test
    void askingAgainDoesNotOvertakeWhoWaits() throws Exception {
        HttpClient3 careless = on(new SimpleHttpConnectionManager());
        careless.start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
        HttpClient3 patient = on(HttpClient3.pool());
        Future<String> waiter = threads.submit(() -> patient.get(server.url("/waiter")));
        awaitPending(1);
        assertThat(careless.get(server.url("/again"))).startsWith("200 ");
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        assertThat(server.targets()).containsExactly("/bytes/1000000", "/waiter", "/again");
        awaitQuiet();
    }

    @Test
    void anUnreleasedButReadResponseHoldsNothing() throws Exception {
        HttpClient3 client = on(new SimpleHttpConnectionManager());
        GetMethod get = new GetMethod("/bytes/5");
        client.start(server.url("/bytes/5"), get);
        assertThat(get.getResponseBodyAsString()).isEqualTo("abcde");
        assertThat(TestAgent.figures(server).leased()).isZero();
        assertThat(TestAgent.figures(server).idle()).isEqualTo(1);
        assertThat(on(HttpClient3.pool()).get(server.url("/"))).startsWith("200 ");
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @Test
    void closingTheConnectionGivesTheLeaseBack() throws Exception {
        HttpConnectionManager manager = new SimpleHttpConnectionManager();
        HttpClient3 client = on(manager);
        client.start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
        closeAsOldProgramsDo(manager, client);
        assertThat(TestAgent.figures(server).leased()).isZero();
        assertThat(TestAgent.figures(server).open()).isZero();
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @SuppressWarnings("deprecation")
    private void closeAsOldProgramsDo(HttpConnectionManager manager, HttpClient3 client) throws Exception {
        manager.getConnection(client.host(server.url("/"))).close();
    }

    @Test
    void whatIsAlwaysClosedIsNotIdle() throws Exception {
        assumeTrue(Version.CLIENT.equals("3.1"), "new in 3.1");
        HttpConnectionManager manager =
                SimpleHttpConnectionManager.class.getConstructor(boolean.class).newInstance(true);
        HttpClient3 client = on(manager);
        for (int i = 1; i <= 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            assertThat(TestAgent.figures(server).open()).isZero();
            assertThat(TestAgent.figures(server).leased()).isZero();
            assertThat(server.acceptedConnections()).isEqualTo(i);
        }
    }

    @Test
    void theClientsOwnIdleThreadMakesRoom() throws Exception {
        SimpleHttpConnectionManager simple = new SimpleHttpConnectionManager();
        HttpConnectionManager pool = HttpClient3.pool();
        IdleConnectionTimeoutThread thread = new IdleConnectionTimeoutThread();
        thread.setTimeoutInterval(10);
        thread.setConnectionTimeout(-1);
        thread.addConnectionManager(simple);
        thread.addConnectionManager(pool);
        assertThat(on(simple).get(server.url("/"))).startsWith("200 ");
        thread.start();
        try {
            TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
            assertThat(on(pool).get(server.url("/"))).startsWith("200 ");
            TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
        } finally {
            thread.shutdown();
        }
        assertThat(TestAgent.figures(server).leased()).isZero();
    }

    @Test
    void aLostClientGivesBackWhatItHeld() throws Exception {
        HttpClient3.simple(io.sluice.instrumentation.testing.ContractClient.Setup.plain())
                .start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
        HttpClient3 client = on(HttpClient3.pool());
        Future<String> waiter = threads.submit(() -> client.get(server.url("/bytes/5")));
        collectUntil(waiter::isDone);
        assertThat(waiter.get(20, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        awaitQuiet();
    }
}
