package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.resolver.InetNameResolver;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import io.sluice.bridge.ConnectionGate;
import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
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
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Response;
import org.asynchttpclient.netty.channel.NettyConnectListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a connection that waits for room, or that is never established. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpeningTest extends AhcTestBase {
    @Test
    void theEventLoopIsNotHeldUpWhileAConnectionWaitsForRoom() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        TestServer another = closing(TestServer.start());
        SlowOwner slow = new SlowOwner(server);
        AhcClient client = client();
        ListenableFuture<Response> waiting = client.send(server.url("/bytes/2"));
        slow.evicting.await();
        assertThat(client.get(another.url("/bytes/3"))).isEqualTo("200 abc");
        assertThat(ParkedThreads.inTheAgent()).isEmpty();
        assertThat(server.acceptedConnections()).isZero();
        assertThat(waiting.isDone()).isFalse();
        slow.connection.closed();
        assertThat(AhcClient.text(waiting)).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void aTunnelThatWaitedForRoomIsATunnel() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(TestProxy.start());
        SlowOwner slow = new SlowOwner(server);
        AhcClient client = closing(AhcClient.with(ContractClient.Setup.plain()
                .through(new InetSocketAddress(proxy.host(), proxy.port()))
                .trusting(TestTls.clientContext())));
        ListenableFuture<Response> waiting = client.send(server.url("/bytes/2"));
        slow.evicting.await();
        slow.connection.closed();
        assertThat(AhcClient.text(waiting)).isEqualTo("200 ab");
        assertThat(proxy.tunnels()).isEqualTo(1);
        awaitQuiet(server);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCallThatEndsWhileItsConnectionWaitsForRoomOpensNone(boolean byTimeout) throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        SlowOwner slow = new SlowOwner(server);
        AhcClient client = client();
        ListenableFuture<Response> waiting = client.http.executeRequest(
                millis(Dsl.get(server.url("/bytes/2")), "setRequestTimeout", byTimeout ? 300 : 60_000));
        // The call may time out before anybody has begun to make room for it.
        TestAgent.await("it waits for room, or did", () -> slow.evicting.getCount() == 0 || waiting.isDone());
        if (byTimeout) {
            assertThat(failure(waiting)).isInstanceOf(TimeoutException.class);
        } else {
            waiting.cancel(true);
        }
        slow.connection.closed();
        TestAgent.await(
                "nothing is open",
                () -> TestAgent.figures(server).open() == 0
                        && TestAgent.figures(server).leased() == 0);
        assertThat(client.get(server.url("/bytes/3"))).isEqualTo("200 abc");
        assertThat(server.targets()).containsExactly("/bytes/3");
        awaitQuiet(server);
    }

    @Test
    void aClientThatIsClosedWhileItsConnectionWaitsForRoomOpensNone() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        SlowOwner slow = new SlowOwner(server);
        AhcClient client = client();
        ListenableFuture<Response> waiting = client.send(server.url("/bytes/2"));
        slow.evicting.await();
        client.close();
        slow.connection.closed();
        assertThat(failure(waiting)).isInstanceOf(IllegalStateException.class).hasMessage("Closed");
        TestAgent.await("nothing is open", () -> TestAgent.figures(server).open() == 0);
        assertThat(client().get(server.url("/bytes/3"))).isEqualTo("200 abc");
        assertThat(server.targets()).containsExactly("/bytes/3");
        awaitQuiet(server);
    }

    @Test
    void aRefusedConnectGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        TestServer gone = TestServer.start();
        gone.close();
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(client.send(gone.url("/")));
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(failure(one)).isInstanceOf(ConnectException.class);
        }
        awaitQuiet(gone);
        assertThat(TestAgent.figures(gone).open()).isZero();
    }

    @Test
    void anUnknownHostGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        AhcClient client = client();
        for (int i = 0; i < 3; i++) {
            assertThat(failure(client.send("http://no-such-host.invalid/"))).isInstanceOf(IOException.class);
        }
        TestAgent.await("neither lease nor room is taken", () -> {
            Snapshot figures = TestAgent.table().snapshot(Destination.server("http", "no-such-host.invalid", 80));
            return figures.open() == 0 && figures.leased() == 0;
        });
    }

    /** The client does not know the certificate; or the server does not speak TLS. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHandshakeThatFailsGivesRoomAndLeaseBack(boolean tls) throws Exception {
        TestAgent.limit(1);
        TestServer server = closing((tls ? TestServer.builder().tls() : TestServer.builder()).start());
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(client.send("https://" + server.host() + ":" + server.port() + "/"));
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(failure(one)).isInstanceOf(IOException.class);
        }
        TestAgent.await("neither lease nor room is taken", () -> {
            Snapshot figures = TestAgent.table().snapshot(Destination.server("https", server.host(), server.port()));
            return figures.open() == 0 && figures.leased() == 0 && figures.pending() == 0;
        });
    }

    /** Nor does it count towards the client's own limits. */
    @Test
    void aCallThatIsCancelledWhileItsHostIsLookedUpOpensNone() throws Exception {
        assumeTrue(
                Arrays.stream(NettyConnectListener.class.getMethods())
                        .anyMatch(method -> method.getName().equals("onSuccess") && method.getParameterCount() == 2),
                "the first releases fail then, and count the call for ever");
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(
                AhcClient.config(ContractClient.Setup.plain()).setMaxConnectionsPerHost(1))));
        for (int i = 0; i < 3; i++) {
            SlowResolver resolver = new SlowResolver();
            ListenableFuture<Response> cancelled = client.http
                    .prepareGet(server.url("/bytes/2"))
                    .setNameResolver(resolver)
                    .execute();
            TestAgent.await("the host is looked up", () -> resolver.asked != null);
            cancelled.cancel(true);
            resolver.answer();
        }
        awaitQuiet(server);
        assertThat(server.acceptedConnections()).isZero();
        assertThat(client.get(server.url("/bytes/3"))).isEqualTo("200 abc");
        awaitQuiet(server);
    }

    @Test
    void aConnectTimeoutGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (Full full = new Full()) {
            DefaultAsyncHttpClientConfig.Builder config = AhcClient.config(ContractClient.Setup.plain());
            AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(millis(config, "setConnectTimeout", 100))));
            for (int i = 0; i < 2; i++) {
                assertThat(failure(client.send(full.url()))).isInstanceOf(ConnectException.class);
            }
            full.awaitNothing();
        }
    }

    @Test
    void aCallThatIsCancelledWhileItConnectsGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (Full full = new Full()) {
            DefaultAsyncHttpClientConfig.Builder config = AhcClient.config(ContractClient.Setup.plain());
            AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(millis(config, "setConnectTimeout", 500))));
            for (int i = 0; i < 3; i++) {
                ListenableFuture<Response> connecting = client.send(full.url());
                TestAgent.await("it connects", () -> full.figures().open() == 1);
                connecting.cancel(true);
                full.awaitNothing(); // at the latest when the connect, which goes on, times out
            }
        }
    }

    @Test
    void aClientThatIsClosedWhileItConnectsGivesRoomAndLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (Full full = new Full()) {
            AhcClient client = client();
            client.send(full.url());
            TestAgent.await("it connects", () -> full.figures().open() == 1);
            client.close();
            full.awaitNothing();
        }
    }

    /** Finds an address when the test says so. */
    static final class SlowResolver extends InetNameResolver {
        volatile Promise<List<InetAddress>> asked;

        SlowResolver() {
            super(ImmediateEventExecutor.INSTANCE);
        }

        @Override
        protected void doResolve(String host, Promise<InetAddress> promise) {
            throw new UnsupportedOperationException("all addresses are asked for");
        }

        @Override
        protected void doResolveAll(String host, Promise<List<InetAddress>> promise) {
            asked = promise;
        }

        void answer() throws Exception {
            asked.setSuccess(Collections.singletonList(InetAddress.getByName("127.0.0.1")));
        }
    }

    /** Has an idle connection to a server, which it closes when the test says so. */
    private static final class SlowOwner implements ConnectionOwner {
        final CountDownLatch evicting = new CountDownLatch(1);
        final Connection connection;

        SlowOwner(TestServer server) {
            Lease lease = ConnectionGate.acquire(
                    Ask.direct("test", Destination.server(server.uri("/").getScheme(), server.host(), server.port())),
                    0);
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
