package io.sluice.instrumentation.apachehttpclient40;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.ParkedThreads;
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
import java.util.concurrent.atomic.AtomicReference;
import org.apache.http.HttpResponse;
import org.apache.http.auth.AuthScope;
import org.apache.http.auth.UsernamePasswordCredentials;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.ConnectTimeoutException;
import org.apache.http.impl.client.DefaultHttpRequestRetryHandler;
import org.apache.http.params.HttpConnectionParams;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From the lease to its return, on every path. */
@SuppressWarnings("deprecation") // since 4.3 this API is
class ExchangeTest extends HttpClient40TestCase {
    private static final String ALL = "io.sluice.instrumentation.apachehttpclient40.Kind#all";
    private static final String POOLS = "io.sluice.instrumentation.apachehttpclient40.Kind#pools";
    private static final String SINGLE = "io.sluice.instrumentation.apachehttpclient40.Kind#single";

    @ParameterizedTest
    @MethodSource(ALL)
    void aBodyReadToItsEndGivesTheLeaseBack(Kind kind) throws Exception {
        HttpClient40 client = client(kind);
        HttpResponse response = client.http.execute(new HttpGet(server.url("/bytes/100000")));
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        InputStream body = response.getEntity().getContent();
        byte[] buffer = new byte[8192];
        while (body.read(buffer) >= 0) {
            assertThat(buffer).isNotEmpty();
        }
        assertThat(TestAgent.figures(server).leased()).isZero();
        assertThat(another().get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void closingABodyUnreadGivesItsLeaseBack(Kind kind) throws Exception {
        HttpClient40 client = client(kind);
        for (int i = 0; i < 3; i++) {
            HttpGet get = new HttpGet(server.url("/bytes/1000000"));
            client.http.execute(get);
            get.abort();
            assertThat(TestAgent.figures(server).leased()).isZero();
        }
        TestAgent.await("nothing is open", () -> TestAgent.figures(server).open() == 0);
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void anAbortWhileReadingGivesTheLeaseBack(Kind kind) throws Exception {
        for (String path : new String[] {"/never", "/drip?bytes=100000&pieces=1000&pause=20"}) {
            server.forgetRequests();
            HttpClient40 client = client(kind);
            HttpGet get = new HttpGet(server.url(path));
            Future<String> reader = threads.submit(() -> client.execute(get));
            server.awaitRequests(1);
            get.abort();
            assertThatThrownBy(() -> reader.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
            // Not the same client: in 4.0 itself never releases a connection that was aborted while a body was read.
            assertThat(another().get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        }
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void anAbortOrATimeoutWhileConnectingGivesLeaseAndRoomBack(Kind kind) throws Exception {
        // A listener that accepts nothing: once its backlog is full, the kernel lets further connects hang.
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            List<Socket> backlog = new ArrayList<>();
            try {
                fill(deaf, backlog);
                HttpClient40 client = client(kind);
                String url = "http://127.0.0.1:" + deaf.getLocalPort() + "/";
                Destination nobody = Destination.server("http", "127.0.0.1", deaf.getLocalPort());
                HttpConnectionParams.setConnectionTimeout(client.http.getParams(), 100);
                assertThatThrownBy(() -> client.get(url)).isInstanceOf(ConnectTimeoutException.class);
                awaitNothing(nobody);
                HttpConnectionParams.setConnectionTimeout(client.http.getParams(), 0);
                HttpGet get = new HttpGet(url);
                AtomicReference<Thread> thread = new AtomicReference<>();
                Future<String> connecting = threads.submit(() -> {
                    thread.set(Thread.currentThread());
                    return client.execute(get);
                });
                // Its room is taken a moment before: some managers see an abort between the two as a wrong use of
                // theirs.
                TestAgent.await("it connects", () -> ParkedThreads.isConnecting(thread.get()));
                assertThat(TestAgent.table().snapshot(nobody).open()).isEqualTo(1);
                get.abort();
                assertThatThrownBy(() -> connecting.get(20, TimeUnit.SECONDS))
                        .cause()
                        .isInstanceOf(IOException.class);
                awaitNothing(nobody);
            } finally {
                for (Socket one : backlog) {
                    one.close();
                }
            }
        }
    }

    private static void awaitNothing(Destination nobody) throws Exception {
        TestAgent.await(
                "the lease is back", () -> TestAgent.table().snapshot(nobody).leased() == 0);
        TestAgent.await(
                "the room is back", () -> TestAgent.table().snapshot(nobody).open() == 0);
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

    @ParameterizedTest
    @MethodSource(ALL)
    void theClientsRetriesShareItsLease(Kind kind) throws Exception {
        TestServer mute = closing(
                TestServer.builder().on("mute", exchange -> exchange.hangUp()).start());
        HttpClient40 client = client(kind);
        client.settings.setHttpRequestRetryHandler(new DefaultHttpRequestRetryHandler(3, true));
        for (int i = 1; i <= 3; i++) {
            assertThatThrownBy(() -> client.get(mute.url("/mute"))).isInstanceOf(IOException.class);
            assertThat(mute.requests()).hasSize(4 * i);
            assertThat(TestAgent.figures(mute).leased()).isZero();
            TestAgent.await("nothing is open", () -> TestAgent.figures(mute).open() == 0);
        }
        assertThat(client.get(mute.url("/"))).startsWith("200 ");
        awaitQuiet(mute);
    }

    @ParameterizedTest
    @MethodSource(SINGLE)
    void aManagerInUseRefusesAtOnceAsItselfDoes(Kind kind) throws Exception {
        HttpClient40 client = client(kind);
        HttpGet open = new HttpGet(server.url("/bytes/100000"));
        client.http.execute(open);
        assertThatThrownBy(() -> client.get(server.url("/")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("connection still allocated");
        open.abort();
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(SINGLE)
    void anotherServerOnTheOneConnection(Kind kind) throws Exception {
        TestServer other = closing(TestServer.start());
        HttpClient40 client = client(kind);
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/"))).startsWith("200 ");
            assertThat(client.get(other.url("/"))).startsWith("200 ");
            assertThat(TestAgent.figures(server).open()).isZero();
        }
        awaitQuiet();
        awaitQuiet(other);
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void aStaleConnectionIsReplacedWithinOneLease(Kind kind) throws Exception {
        HttpClient40 client = client(kind);
        HttpConnectionParams.setStaleCheckingEnabled(client.http.getParams(), true);
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            server.closeIdleConnections();
        }
        assertThat(server.acceptedConnections()).isEqualTo(3);
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void anEvictorOfTheProgramsOwnMakesRoom(Kind kind) throws Exception {
        ClientConnectionManager evicting = kind.make();
        HttpClient40 client = on(evicting);
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
        evicting.closeIdleConnections(0, TimeUnit.MILLISECONDS);
        assertThat(TestAgent.figures(server).open()).isZero();
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void anEvictedConnectionIsOpenedAgain(Kind kind) throws Exception {
        HttpClient40 robbed = on(kind.make(1, 1));
        HttpClient40 other = another();
        for (int i = 0; i < 3; i++) {
            assertThat(robbed.get(server.url("/"))).startsWith("200 ");
            assertThat(other.get(server.url("/"))).startsWith("200 ");
            assertThat(TestAgent.figures(server).open()).isEqualTo(1);
        }
        assertThat(server.acceptedConnections()).isEqualTo(6);
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void noMoreIsEvictedThanRoomIsNeeded(Kind kind) throws Exception {
        TestAgent.limit(2);
        HttpClient40 first = client(kind);
        Future<String> one = threads.submit(() -> first.get(server.url("/hold")));
        Future<String> two = threads.submit(() -> first.get(server.url("/hold")));
        server.awaitRequests(2);
        server.letGo();
        assertThat(one.get() + two.get()).startsWith("200 ");
        HttpClient40 second = client(kind);
        for (int i = 0; i < 5; i++) {
            assertThat(second.get(server.url("/"))).startsWith("200 ");
        }
        assertThat(TestAgent.figures(server).open()).isEqualTo(2);
        assertThat(server.acceptedConnections()).isEqualTo(3);
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void aChallengeIsAnsweredWithinOneLease(Kind kind) throws Exception {
        HttpClient40 client = client(kind);
        client.settings
                .getCredentialsProvider()
                .setCredentials(AuthScope.ANY, new UsernamePasswordCredentials(TestServer.USER, TestServer.PASSWORD));
        assertThat(client.get(server.url("/auth"))).startsWith("200 ");
        TestServer closing = closing(TestServer.builder().withoutKeepAlive().start());
        assertThat(client.get(closing.url("/auth"))).startsWith("200 ");
        TestAgent.await(
                "nothing is open there", () -> TestAgent.figures(closing).open() == 0);
        assertThat(TestAgent.figures(closing).leased()).isZero();
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void aRedirectGivesOneServerBackBeforeItAsksForTheNext(Kind kind) throws Exception {
        TestServer other = closing(TestServer.start());
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            String url = i % 2 == 0
                    ? server.url("/redirect?to=" + other.url("/bytes/5"))
                    : other.url("/redirect?to=" + server.url("/bytes/5"));
            HttpClient40 client = client(kind);
            all.add(threads.submit(() -> client.get(url)));
        }
        for (Future<String> one : all) {
            assertThat(one.get(30, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        }
        awaitQuiet();
        awaitQuiet(other);
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void shuttingDownGivesBackWhatNobodyRead(Kind kind) throws Exception {
        HttpClient40 careless = client(kind);
        careless.http.execute(new HttpGet(server.url("/bytes/1000000")));
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        careless.close();
        assertThat(another().get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void aResponseThatIsLostUnreadGivesItsLeaseBack(Kind kind) throws Exception {
        HttpClient40 careless = client(kind);
        lose(careless);
        HttpClient40 other = another();
        Future<String> waiter = threads.submit(() -> other.get(server.url("/bytes/5")));
        awaitPending(1);
        collectUntil(waiter::isDone);
        assertThat(waiter.get(20, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        assertThat(careless.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void aLostClientGivesBackWhatItHeld(Kind kind) throws Exception {
        lose(HttpClient40.on(kind.make()));
        HttpClient40 other = another();
        Future<String> waiter = threads.submit(() -> other.get(server.url("/bytes/5")));
        awaitPending(1);
        collectUntil(waiter::isDone);
        assertThat(waiter.get(20, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        awaitQuiet();
    }

    private void lose(HttpClient40 client) throws IOException {
        client.http.execute(new HttpGet(server.url("/bytes/1000000")));
    }
}
