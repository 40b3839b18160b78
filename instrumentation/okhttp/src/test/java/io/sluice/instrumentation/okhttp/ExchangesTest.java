package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.SocketFactory;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.Credentials;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of connections and leases. */
class ExchangesTest extends Fixture {
    @Test
    void anAnswerToAChallengeKeepsItsConnectionAndItsLease() throws Exception {
        TestClient client = client(builder()
                .authenticator((route, response) -> response.request()
                        .newBuilder()
                        .header("Authorization", Credentials.basic(TestServer.USER, TestServer.PASSWORD))
                        .build()));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/auth"))).startsWith("200 ");
        }
        assertThat(server.acceptedConnections()).isEqualTo(1);
        awaitQuiet();
    }

    @Test
    void aBodyThatIsNotReadKeepsTheLeaseUntilItIsClosed() throws Exception {
        TestClient client = client(builder());
        Response response = client.http
                .newCall(TestClient.request(server.url("/bytes/100000")))
                .execute();
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        Future<String> next = threads.submit(() -> client.get(server.url("/bytes/10")));
        awaitPending(1);
        response.body().close();
        assertThat(next.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    /**
     * Lost by a call that connects on its own thread, or finds a connection in the pool. Since 5.0 a call connects on a
     * thread of the client's TaskRunner, whose frame may hold it for minutes, until that thread is given another task.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBodyThatIsLostGivesItsLeaseBack(boolean pooled) throws Exception {
        OkHttpClient.Builder builder = builder();
        if (!pooled && RoutesTest.hasFastFallback()) {
            builder.fastFallback(false);
        }
        TestClient client = client(builder);
        if (pooled) {
            assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
            TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
        }
        lose(client);
        assertThat(server.acceptedConnections()).isEqualTo(1);
        Future<String> next = threads.submit(() -> client.get(server.url("/bytes/10")));
        // It waits, unless the collector has run by itself meanwhile.
        TestAgent.await("the lost body is noticed", () -> {
            System.gc();
            return next.isDone();
        });
        assertThat(next.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    private void lose(TestClient client) throws IOException {
        client.http.newCall(TestClient.request(server.url("/bytes/10000000"))).execute();
    }

    @Test
    void aPoolThatKeepsNothingLimitsAllTheSame() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestClient client = client(builder().connectionPool(new ConnectionPool(0, 1, TimeUnit.MINUTES)));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<String>> all = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                all.add(threads.submit(() -> client.get(server.url("/bytes/10?ms=3"))));
            }
            for (Future<String> one : all) {
                assertThat(one.get(20, TimeUnit.SECONDS)).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        assertThat(server.acceptedConnections()).isEqualTo(20);
        TestAgent.await("nothing is open", () -> TestAgent.figures(server).open() == 0);
        awaitQuiet();
    }

    @Test
    void connectionsThatTheProgramEvictsAreGone() throws Exception {
        TestClient client = client(builder());
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
        client.http.connectionPool().evictAll();
        TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
    }

    @Test
    void anEvictedConnectionIsNotInItsPoolAnyMore() throws Exception {
        TestClient first = client(builder());
        TestClient second = client(builder());
        assertThat(first.get(server.url("/bytes/10"))).startsWith("200 ");
        assertThat(second.get(server.url("/bytes/10"))).startsWith("200 ");
        assertThat(first.http.connectionPool().connectionCount()).isZero();
        assertThat(second.http.connectionPool().connectionCount()).isEqualTo(1);
        awaitQuiet();
    }

    @Test
    void aConnectionThatTheServerClosedIsReplaced() throws Exception {
        TestClient client = client(builder());
        for (int i = 0; i < 5; i++) {
            assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
            server.closeIdleConnections();
        }
        awaitQuiet();
    }

    @Test
    void anHttp10ServerThatDoesNotSayKeepAliveIsNotKept() throws Exception {
        TestServer old =
                closing(TestServer.builder().http10().withoutKeepAlive().start());
        TestClient client = client(builder());
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(old.url("/bytes/10"))).startsWith("200 ");
            TestAgent.await("nothing is open", () -> TestAgent.figures(old).open() == 0);
        }
        awaitQuiet(old);
    }

    @Test
    void aFailedHandshakeIsTriedAgainInTheSameRoom() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        AtomicInteger accepted = new AtomicInteger();
        try (ServerSocket closing = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
                KernelMeter meter = KernelMeter.start(closing.getLocalPort())) {
            threads.submit(() -> {
                while (true) {
                    try (Socket socket = closing.accept()) {
                        accepted.incrementAndGet();
                        // A fatal alert: handshake_failure.
                        socket.getInputStream().read(new byte[5]);
                        socket.getOutputStream().write(new byte[] {21, 3, 1, 0, 2, 2, 40});
                        Thread.sleep(20);
                    }
                }
            });
            OkHttpClient.Builder builder =
                    TestClient.builder(ContractClient.Setup.plain().trusting(TestTls.clientContext()));
            TestClient client = client(
                    builder.connectionSpecs(Arrays.asList(ConnectionSpec.MODERN_TLS, ConnectionSpec.COMPATIBLE_TLS)));
            String url = "https://127.0.0.1:" + closing.getLocalPort() + "/";
            List<Future<String>> all = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                all.add(threads.submit(() -> client.get(url)));
            }
            for (Future<String> one : all) {
                assertThatThrownBy(() -> one.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(IOException.class);
            }
            Destination there = Destination.server("https", "127.0.0.1", closing.getLocalPort());
            TestAgent.await(
                    "nothing is open", () -> TestAgent.table().snapshot(there).open() == 0);
            assertThat(TestAgent.table().snapshot(there).leased()).isZero();
            assertThat(accepted.get()).isGreaterThanOrEqualTo(5); // later versions try every connection specification
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void aProxyOfTheSelectorIsCountedAsOne() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(20)
                .maxConnectionsPerProxy(1)
                .build());
        TestProxy proxy = closing(TestProxy.start());
        TestClient client = client(builder().proxySelector(new Selector(proxy.javaProxy())));
        try (KernelMeter meter = KernelMeter.start(proxy.port())) {
            List<Future<String>> all = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                all.add(threads.submit(() -> client.get(server.url("/bytes/10?ms=3"))));
            }
            for (Future<String> one : all) {
                assertThat(one.get(20, TimeUnit.SECONDS)).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        assertThat(proxy.plainRequests()).isEqualTo(10);
        awaitQuiet();
    }

    /** Its first proxy is dead: the client goes on to the next, and needs another lease for that. */
    @Test
    void theNextProxyOfTheSelectorIsCountedToo() throws Exception {
        int dead;
        try (ServerSocket free = new ServerSocket(0)) {
            dead = free.getLocalPort();
        }
        TestProxy proxy = closing(TestProxy.start());
        Proxy first = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", dead));
        TestClient client = client(builder().proxySelector(new Selector(first, proxy.javaProxy())));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        }
        Destination alive = Destination.proxy("127.0.0.1", proxy.port());
        TestAgent.await("it is idle", () -> TestAgent.table().snapshot(alive).idle() == 1);
        TestAgent.await(
                "its lease is back", () -> TestAgent.table().snapshot(alive).leased() == 0);
        Destination gone = Destination.proxy("127.0.0.1", dead);
        assertThat(TestAgent.table().snapshot(gone).leased()).isZero();
        assertThat(TestAgent.table().snapshot(gone).open()).isZero();
        awaitQuiet();
    }

    @Test
    void aProxysChallengeIsAnsweredInTheSameRoom() throws Exception {
        TestServer secure = closing(TestServer.builder().tls().start());
        TestProxy proxy =
                closing(TestProxy.builder().basicAuthentication("me", "secret").start());
        TestClient client = client(TestClient.builder(ContractClient.Setup.plain()
                        .trusting(TestTls.clientContext())
                        .through(new InetSocketAddress(proxy.host(), proxy.port())))
                .proxyAuthenticator((route, response) -> response.request()
                        .newBuilder()
                        .header("Proxy-Authorization", Credentials.basic("me", "secret"))
                        .build()));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(secure.url("/bytes/10"))).startsWith("200 ");
        }
        awaitQuiet(secure);
    }

    @Test
    void socketsOfTheProgramsOwnFactoryAreCounted() throws Exception {
        TestClient client = client(builder().socketFactory(new Sockets()));
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
        client.http.connectionPool().evictAll();
        TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
    }

    @Test
    void aRequestOfTheProgramWithinAnInterceptorHasItsOwnLease() throws Exception {
        TestServer other = closing(TestServer.start());
        TestClient inner = client(builder());
        TestClient client = client(builder().addNetworkInterceptor(chain -> {
            Request request = chain.request();
            try {
                inner.get(other.url("/bytes/10"));
            } catch (Exception e) {
                throw new IOException(e);
            }
            return chain.proceed(request);
        }));
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet(server);
        awaitQuiet(other);
    }

    /** Always these. */
    private static final class Selector extends ProxySelector {
        private final List<Proxy> proxies;

        Selector(Proxy... proxies) {
            this.proxies = Arrays.asList(proxies);
        }

        @Override
        public List<Proxy> select(URI uri) {
            return proxies;
        }

        @Override
        public void connectFailed(URI uri, SocketAddress address, IOException e) {}
    }

    private static final class Sockets extends SocketFactory {
        @Override
        public Socket createSocket() {
            return new Socket() {
                @Override
                public void connect(SocketAddress endpoint, int timeout) throws IOException {
                    super.connect(endpoint, timeout);
                }
            };
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort) {
            throw new UnsupportedOperationException();
        }
    }
}
