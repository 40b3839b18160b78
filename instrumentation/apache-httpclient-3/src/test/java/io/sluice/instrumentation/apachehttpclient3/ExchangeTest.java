package io.sluice.instrumentation.apachehttpclient3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.commons.httpclient.ConnectTimeoutException;
import org.apache.commons.httpclient.HostConfiguration;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.apache.commons.httpclient.MultiThreadedHttpConnectionManager;
import org.apache.commons.httpclient.NoHttpResponseException;
import org.apache.commons.httpclient.UsernamePasswordCredentials;
import org.apache.commons.httpclient.auth.AuthScope;
import org.apache.commons.httpclient.methods.GetMethod;
import org.apache.commons.httpclient.params.HttpConnectionParams;
import org.apache.commons.httpclient.protocol.ControllerThreadSocketFactory;
import org.apache.commons.httpclient.protocol.DefaultProtocolSocketFactory;
import org.apache.commons.httpclient.protocol.Protocol;
import org.apache.commons.httpclient.protocol.ProtocolSocketFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From the lease to its return, on every path. */
class ExchangeTest extends HttpClient3TestCase {
    @ParameterizedTest
    @MethodSource("managers")
    void aBodyReadToItsEndGivesTheLeaseBackBeforeTheRelease(Supplier<HttpConnectionManager> manager) throws Exception {
        HttpClient3 client = on(manager.get());
        GetMethod get = new GetMethod("/bytes/100000");
        client.start(server.url("/bytes/100000"), get);
        InputStream body = get.getResponseBodyAsStream();
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        byte[] buffer = new byte[8192];
        while (body.read(buffer) >= 0) {
            assertThat(buffer).isNotEmpty();
        }
        assertThat(TestAgent.figures(server).leased()).isZero();
        assertThat(on(HttpClient3.pool()).get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        get.releaseConnection();
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void anAbortWhileReadingGivesTheLeaseBack(Supplier<HttpConnectionManager> manager) throws Exception {
        HttpClient3 client = on(manager.get());
        for (String path : new String[] {"/never", "/drip?bytes=100000&pieces=1000&pause=20"}) {
            server.forgetRequests();
            GetMethod get = new GetMethod(path);
            Future<String> reader = threads.submit(() -> client.execute(server.url(path), get));
            server.awaitRequests(1);
            get.abort();
            assertThatThrownBy(() -> reader.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        }
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void theClientsRetriesShareItsLease(Supplier<HttpConnectionManager> manager) throws Exception {
        TestServer mute = closing(
                TestServer.builder().on("mute", exchange -> exchange.hangUp()).start());
        HttpClient3 client = on(manager.get());
        for (int i = 1; i <= 3; i++) {
            assertThatThrownBy(() -> client.get(mute.url("/mute"))).isInstanceOf(NoHttpResponseException.class);
            assertThat(mute.requests()).hasSize(4 * i);
            assertThat(TestAgent.figures(mute).leased()).isZero();
            assertThat(TestAgent.figures(mute).open()).isZero();
        }
        assertThat(client.get(mute.url("/"))).startsWith("200 ");
        awaitQuiet(mute);
    }

    @ParameterizedTest
    @MethodSource("managers")
    void aConnectThatTimesOutGivesLeaseAndRoomBack(Supplier<HttpConnectionManager> manager) throws Exception {
        // A listener that accepts nothing: once its backlog is full, the kernel lets further connects hang.
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            List<Socket> backlog = new ArrayList<>();
            try {
                fill(deaf, backlog);
                HttpConnectionManager impatient = manager.get();
                impatient.getParams().setConnectionTimeout(100);
                HttpClient3 client = on(impatient);
                String url = "http://127.0.0.1:" + deaf.getLocalPort() + "/";
                Destination nobody = Destination.server("http", "127.0.0.1", deaf.getLocalPort());
                for (int i = 0; i < 2; i++) {
                    assertThatThrownBy(() -> client.get(url)).isInstanceOf(ConnectTimeoutException.class);
                    assertThat(TestAgent.table().snapshot(nobody).leased()).isZero();
                    assertThat(TestAgent.table().snapshot(nobody).open()).isZero();
                }
            } finally {
                for (Socket one : backlog) {
                    one.close();
                }
            }
        }
    }

    private static void fill(ServerSocket deaf, List<Socket> backlog) throws IOException {
        for (int i = 0; i < 20; i++) {
            Socket socket = new Socket();
            backlog.add(socket);
            try {
                socket.connect(new InetSocketAddress(deaf.getInetAddress(), deaf.getLocalPort()), 200);
            } catch (IOException full) {
                return;
            }
        }
        throw new IOException("the backlog takes everything");
    }

    /** The client's own help for factories of Java 1.3: the socket is connected on another thread. */
    @ParameterizedTest
    @MethodSource("managers")
    void aSocketThatAnotherThreadConnectedIsCounted(Supplier<HttpConnectionManager> manager) throws Exception {
        Protocol aside = new Protocol("http", (ProtocolSocketFactory) new OnAnotherThread(), 80);
        HttpClient3 client = on(manager.get());
        HostConfiguration host = new HostConfiguration();
        host.setHost(server.host(), server.port(), aside);
        for (int i = 0; i < 3; i++) {
            GetMethod get = new GetMethod("/bytes/5");
            client.http.executeMethod(host, get);
            assertThat(TestAgent.figures(server).open()).isEqualTo(1);
            assertThat(get.getResponseBodyAsString()).isEqualTo("abcde");
            assertThat(on(HttpClient3.pool()).get(server.url("/"))).startsWith("200 ");
            assertThat(TestAgent.figures(server).open()).isEqualTo(1);
        }
        assertThat(server.acceptedConnections()).isEqualTo(6);
        awaitQuiet();
    }

    private static final class OnAnotherThread extends DefaultProtocolSocketFactory {
        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort, HttpConnectionParams params)
                throws IOException {
            return ControllerThreadSocketFactory.createSocket(this, host, port, local, localPort, 5000);
        }
    }

    @ParameterizedTest
    @MethodSource("managers")
    void aStaleConnectionIsReplacedWithinOneLease(Supplier<HttpConnectionManager> manager) throws Exception {
        HttpClient3 client = on(manager.get());
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            server.closeIdleConnections();
        }
        assertThat(server.acceptedConnections()).isEqualTo(3);
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void aChallengeIsAnsweredWithinOneLease(Supplier<HttpConnectionManager> manager) throws Exception {
        HttpClient3 client = on(manager.get());
        client.http
                .getState()
                .setCredentials(AuthScope.ANY, new UsernamePasswordCredentials(TestServer.USER, TestServer.PASSWORD));
        assertThat(client.get(server.url("/auth"))).startsWith("200 ");
        TestServer closing = closing(TestServer.builder().withoutKeepAlive().start());
        assertThat(client.get(closing.url("/auth"))).startsWith("200 ");
        assertThat(TestAgent.figures(closing).leased()).isZero();
        assertThat(TestAgent.figures(closing).open()).isZero();
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void aRedirectGivesOneServerBackBeforeItAsksForTheNext(Supplier<HttpConnectionManager> manager) throws Exception {
        TestServer other = closing(TestServer.start());
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            String url = i % 2 == 0
                    ? server.url("/redirect?to=" + other.url("/bytes/5"))
                    : other.url("/redirect?to=" + server.url("/bytes/5"));
            HttpClient3 client = on(manager.get());
            all.add(threads.submit(() -> client.get(url)));
        }
        for (Future<String> one : all) {
            assertThat(one.get(30, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        }
        awaitQuiet();
        awaitQuiet(other);
    }

    @Test
    void noMoreIsEvictedThanRoomIsNeeded() throws Exception {
        TestAgent.limit(2);
        HttpClient3 first = on(HttpClient3.pool());
        Future<String> one = threads.submit(() -> first.get(server.url("/hold")));
        Future<String> two = threads.submit(() -> first.get(server.url("/hold")));
        server.awaitRequests(2);
        server.letGo();
        assertThat(one.get() + two.get()).startsWith("200 ");
        HttpClient3 second = on(HttpClient3.pool());
        for (int i = 0; i < 5; i++) {
            assertThat(second.get(server.url("/"))).startsWith("200 ");
        }
        assertThat(TestAgent.figures(server).open()).isEqualTo(2);
        assertThat(server.acceptedConnections()).isEqualTo(3);
        awaitQuiet();
    }

    @Test
    void anEvictedConnectionOfAFullPoolIsOpenedAgain() throws Exception {
        MultiThreadedHttpConnectionManager full = HttpClient3.pool();
        full.getParams().setDefaultMaxConnectionsPerHost(1);
        full.getParams().setMaxTotalConnections(1);
        HttpClient3 robbed = on(full);
        HttpClient3 other = on(HttpClient3.pool());
        for (int i = 0; i < 3; i++) {
            assertThat(robbed.get(server.url("/"))).startsWith("200 ");
            assertThat(other.get(server.url("/"))).startsWith("200 ");
        }
        assertThat(server.acceptedConnections()).isEqualTo(6);
        awaitQuiet();
    }

    @Test
    void thePoolTakesALostConnectionBackAndSoDoesTheLimiter() throws Exception {
        MultiThreadedHttpConnectionManager small = HttpClient3.pool();
        small.getParams().setDefaultMaxConnectionsPerHost(1);
        HttpClient3 client = on(small);
        lose(client);
        assertThat(small.getConnectionsInPool()).isEqualTo(1);
        HttpClient3 other = on(HttpClient3.pool());
        Future<String> another = threads.submit(() -> other.get(server.url("/bytes/5")));
        awaitPending(1);
        collectUntil(another::isDone);
        assertThat(another.get(20, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    private void lose(HttpClient3 client) throws IOException {
        client.start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
    }

    @Test
    void shuttingThePoolDownGivesBackWhatNobodyRead() throws Exception {
        MultiThreadedHttpConnectionManager pool = HttpClient3.pool();
        GetMethod unread = new GetMethod("/bytes/1000000");
        on(pool).start(server.url("/bytes/1000000"), unread);
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        pool.shutdown();
        assertThat(TestAgent.figures(server).leased()).isZero();
        assertThat(on(HttpClient3.pool()).get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        unread.releaseConnection();
        awaitQuiet();
    }
}
