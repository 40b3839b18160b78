package io.sluice.instrumentation.apachehttpasyncclient4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.bridge.ConnectionGate;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Snapshot;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.HttpGet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a connection that waits for room, or that is never established. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpeningTest extends AsyncTestBase {
    @Test
    void theReactorIsNotHeldUpWhileAConnectionWaitsForRoom() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        TestServer another = closing(TestServer.start());
        SlowOwner slow = new SlowOwner(server);
        AsyncClient4 client = client();
        Future<HttpResponse> waiting = client.send(server.url("/bytes/2"));
        slow.evicting.await();
        assertThat(client.get(another.url("/bytes/3"))).isEqualTo("200 abc");
        assertThat(ParkedThreads.inTheAgent()).isEmpty();
        assertThat(server.acceptedConnections()).isZero();
        assertThat(waiting.isDone()).isFalse();
        slow.connection.closed();
        assertThat(AsyncClient4.text(waiting)).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void aCallThatIsCancelledWhileItsConnectionWaitsForRoomOpensNone() throws Exception {
        assumeTrue(cancelEndsExchange(), "up to 4.1.2 a cancelled call goes on to open its connection");
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        SlowOwner slow = new SlowOwner(server);
        AsyncClient4 client = client();
        Future<HttpResponse> waiting = client.send(server.url("/bytes/2"));
        slow.evicting.await();
        waiting.cancel(true);
        assertThat(waiting.isCancelled()).isTrue();
        slow.connection.closed();
        TestAgent.await("nothing is open", () -> TestAgent.figures(server).open() == 0);
        TestAgent.await(
                "the lease is back, too", () -> TestAgent.figures(server).leased() == 0);
        assertThat(client.get(server.url("/bytes/3"))).isEqualTo("200 abc");
        assertThat(server.targets()).containsExactly("/bytes/3");
        awaitQuiet(server);
    }

    @Test
    void aClientThatIsClosedWhileItsConnectionWaitsForRoomOpensNone() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        SlowOwner slow = new SlowOwner(server);
        AsyncClient4 client = client();
        WaitingTest.Heard heard = new WaitingTest.Heard();
        client.http.execute(new HttpGet(server.url("/bytes/2")), heard);
        slow.evicting.await();
        client.close();
        assertThat(heard.get(20, TimeUnit.SECONDS)).isEqualTo("cancelled");
        slow.connection.closed();
        TestAgent.await("nothing is open", () -> TestAgent.figures(server).open() == 0);
        assertThat(client().get(server.url("/bytes/3"))).isEqualTo("200 abc");
        assertThat(server.targets()).containsExactly("/bytes/3");
        awaitQuiet(server);
    }

    @Test
    void aConnectTimeoutGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (Full full = new Full()) {
            AsyncClient4 client = client();
            for (int i = 0; i < 2; i++) {
                HttpGet get = new HttpGet(full.url());
                get.setConfig(RequestConfig.custom().setConnectTimeout(100).build());
                assertThat(failure(client.http.execute(get, null)))
                        .isInstanceOfAny(ConnectException.class, SocketTimeoutException.class); // up to HttpCore 4.3
            }
            full.awaitNothing();
        }
    }

    @Test
    void aCallThatIsCancelledWhileItConnectsGivesRoomAndLeaseBack() throws Exception {
        assumeTrue(cancelEndsExchange(), "up to 4.1.2 a cancelled call goes on to open its connection");
        TestAgent.limit(1);
        try (Full full = new Full()) {
            AsyncClient4 client = client();
            for (int i = 0; i < 3; i++) {
                Future<HttpResponse> connecting = client.send(full.url());
                TestAgent.await("it connects", () -> full.figures().open() == 1);
                connecting.cancel(true);
                full.awaitNothing();
            }
        }
    }

    @Test
    void aClientThatIsClosedWhileItConnectsGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (Full full = new Full()) {
            AsyncClient4 client = client();
            client.send(full.url());
            TestAgent.await("it connects", () -> full.figures().open() == 1);
            client.close();
            full.awaitNothing();
        }
    }

    /** Has an idle connection to a server, which it closes when the test says so. */
    private static final class SlowOwner implements ConnectionOwner {
        final CountDownLatch evicting = new CountDownLatch(1);
        final Connection connection;

        SlowOwner(TestServer server) {
            Lease lease = ConnectionGate.acquire(
                    Ask.direct("test", Destination.server("http", server.host(), server.port())), 0);
            connection = ConnectionGate.open(lease, false);
            connection.ownedBy(new WeakReference<>(this), this);
            connection.idle(lease);
            lease.release();
        }

        @Override
        public boolean evict(Object handle) {
            evicting.countDown();
            return true;
        }

        @Override
        public boolean finish(Object handle) {
            return false;
        }
    }

    /** A port whose backlog is full: a connect is neither accepted nor refused. */
    private static final class Full implements AutoCloseable {
        private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
        private final List<Socket> backlog = new ArrayList<>();

        Full() throws IOException {
            boolean isFull = false;
            while (!isFull && backlog.size() < 20) {
                Socket socket = new Socket();
                backlog.add(socket);
                try {
                    socket.connect(new InetSocketAddress("127.0.0.1", server.getLocalPort()), 300);
                } catch (SocketTimeoutException e) {
                    isFull = true;
                }
            }
            assumeTrue(isFull, "skipped: a backlog of this machine is never full");
        }

        String url() {
            return "http://127.0.0.1:" + server.getLocalPort() + "/";
        }

        Snapshot figures() {
            return TestAgent.table().snapshot(Destination.server("http", "127.0.0.1", server.getLocalPort()));
        }

        void awaitNothing() throws Exception {
            TestAgent.await(
                    "neither lease nor room is taken",
                    () -> figures().open() == 0
                            && figures().leased() == 0
                            && figures().pending() == 0);
        }

        @Override
        public void close() throws IOException {
            for (Socket socket : backlog) {
                socket.close();
            }
            server.close();
        }
    }
}
