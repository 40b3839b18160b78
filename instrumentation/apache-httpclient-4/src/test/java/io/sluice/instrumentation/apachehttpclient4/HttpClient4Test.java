package io.sluice.instrumentation.apachehttpclient4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.http.auth.AuthScope;
import org.apache.http.auth.UsernamePasswordCredentials;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.conn.ConnectTimeoutException;
import org.apache.http.conn.ConnectionPoolTimeoutException;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.impl.client.BasicCredentialsProvider;
import org.apache.http.impl.client.HttpClientBuilder;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.impl.conn.BasicHttpClientConnectionManager;
import org.apache.http.impl.conn.PoolingHttpClientConnectionManager;
import org.apache.http.impl.execchain.RequestAbortedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is Apache HttpClient's own: its managers, aborts, time limits and checks. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HttpClient4Test {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private TestServer server;

    static Stream<Supplier<HttpClientConnectionManager>> managers() {
        return Stream.of(HttpClient4Test::pooling, BasicHttpClientConnectionManager::new);
    }

    private static PoolingHttpClientConnectionManager pooling() {
        PoolingHttpClientConnectionManager manager = new PoolingHttpClientConnectionManager();
        manager.setMaxTotal(100);
        manager.setDefaultMaxPerRoute(100);
        return manager;
    }

    @BeforeEach
    void oneAtATime() {
        TestAgent.limit(1);
        server = closing(TestServer.start());
    }

    @AfterEach
    void closeAll() throws Exception {
        threads.shutdownNow();
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    private <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    private HttpClient4 on(HttpClientConnectionManager manager) {
        return with(HttpClients.custom().setConnectionManager(manager));
    }

    private HttpClient4 with(HttpClientBuilder builder) {
        return closing(new HttpClient4(builder.disableAutomaticRetries().build()));
    }

    private Future<String> hold(HttpClient4 client) throws Exception {
        Future<String> holder = threads.submit(() -> client.get(server.url("/hold")));
        server.awaitRequests(1);
        return holder;
    }

    private void awaitPending(int count) throws Exception {
        TestAgent.await(count + " wait", () -> TestAgent.figures(server).pending() == count);
    }

    private void awaitQuiet() throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).pending() == 0);
        TestAgent.await(
                "every open connection is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    private HttpGet get(String path, RequestConfig.Builder config) {
        HttpGet get = new HttpGet(server.url(path));
        get.setConfig(config.build());
        return get;
    }

    @ParameterizedTest
    @MethodSource("managers")
    void theConnectionRequestTimeoutBoundsTheWait(Supplier<HttpClientConnectionManager> manager) throws Exception {
        Future<String> holder = hold(on(pooling()));
        HttpClient4 client = on(manager.get());
        long startNanos = System.nanoTime();
        assertThatThrownBy(() -> client.execute(get("/", RequestConfig.custom().setConnectionRequestTimeout(250))))
                .isInstanceOf(ConnectionPoolTimeoutException.class)
                .hasMessageMatching("timed out after [0-9]+ ms waiting for http://127\\.0\\.0\\.1:" + server.port()
                        + " \\(limit=1, leased=1, idle=0, pending=1\\)");
        assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos))
                .isGreaterThanOrEqualTo(250);
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void anAbortEndsTheWait(Supplier<HttpClientConnectionManager> manager) throws Exception {
        Future<String> holder = hold(on(pooling()));
        HttpClient4 client = on(manager.get());
        HttpGet get = new HttpGet(server.url("/"));
        Future<String> waiter = threads.submit(() -> client.execute(get));
        awaitPending(1);
        get.abort();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(RequestAbortedException.class);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(server.targets()).containsExactly("/hold", "/bytes/5");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void anInterruptEndsTheWaitAsTheClientsOwn(Supplier<HttpClientConnectionManager> manager) throws Exception {
        Future<String> holder = hold(on(pooling()));
        HttpClient4 client = on(manager.get());
        AtomicBoolean stillInterrupted = new AtomicBoolean();
        List<Thread> waiting = new ArrayList<>();
        Future<String> waiter = threads.submit(() -> {
            waiting.add(Thread.currentThread());
            try {
                return client.get(server.url("/"));
            } finally {
                stillInterrupted.set(Thread.interrupted());
            }
        });
        awaitPending(1);
        waiting.get(0).interrupt();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .cause()
                .isInstanceOf(RequestAbortedException.class)
                .hasCauseInstanceOf(InterruptedException.class);
        assertThat(stillInterrupted).isTrue();
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void closingTheClientEndsItsWaits(Supplier<HttpClientConnectionManager> manager) throws Exception {
        Future<String> holder = hold(on(pooling()));
        HttpClient4 client = on(manager.get());
        Future<String> waiter = threads.submit(() -> client.get(server.url("/")));
        awaitPending(1);
        client.close();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessageMatching("Connection (pool shut down|manager has been shut down)");
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void closingTheClientGivesBackWhatNobodyRead(Supplier<HttpClientConnectionManager> manager) throws Exception {
        HttpClient4 careless = on(manager.get());
        careless.http.execute(new HttpGet(server.url("/bytes/100000")));
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        careless.close();
        assertThat(on(pooling()).get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void closingAResponseUnreadGivesItsLeaseBack(Supplier<HttpClientConnectionManager> manager) throws Exception {
        HttpClient4 client = on(manager.get());
        for (int i = 0; i < 3; i++) {
            client.http.execute(new HttpGet(server.url("/bytes/1000000"))).close();
        }
        assertThat(TestAgent.figures(server).leased()).isZero();
        TestAgent.await("nothing is open", () -> TestAgent.figures(server).open() == 0);
    }

    @ParameterizedTest
    @MethodSource("managers")
    void anAbortWhileReadingGivesTheLeaseBack(Supplier<HttpClientConnectionManager> manager) throws Exception {
        HttpClient4 client = on(manager.get());
        for (String path : new String[] {"/never", "/drip?bytes=100000&pieces=1000&pause=20"}) {
            server.forgetRequests();
            HttpGet get = new HttpGet(server.url(path));
            Future<String> reader = threads.submit(() -> client.execute(get));
            server.awaitRequests(1);
            get.abort();
            assertThatThrownBy(() -> reader.get(20, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class); // 4.3: IllegalStateException "Connection is not open"
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        }
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void anAbortOrATimeoutWhileConnectingGivesLeaseAndRoomBack(Supplier<HttpClientConnectionManager> manager)
            throws Exception {
        // A listener that accepts nothing: once its backlog is full, the kernel lets further connects hang.
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            List<Socket> backlog = new ArrayList<>();
            try {
                fill(deaf, backlog);
                HttpClient4 client = on(manager.get());
                String url = "http://127.0.0.1:" + deaf.getLocalPort() + "/";
                HttpGet impatient = new HttpGet(url);
                impatient.setConfig(
                        RequestConfig.custom().setConnectTimeout(100).build());
                assertThatThrownBy(() -> client.execute(impatient)).isInstanceOf(ConnectTimeoutException.class);
                HttpGet get = new HttpGet(url);
                AtomicReference<Thread> thread = new AtomicReference<>();
                Future<String> connecting = threads.submit(() -> {
                    thread.set(Thread.currentThread());
                    return client.execute(get);
                });
                Destination nobody = Destination.server("http", "127.0.0.1", deaf.getLocalPort());
                // Its room is taken a moment before: some managers see an abort between the two as a wrong use of
                // theirs.
                TestAgent.await("it connects", () -> ParkedThreads.isConnecting(thread.get()));
                assertThat(TestAgent.table().snapshot(nobody).open()).isEqualTo(1);
                get.abort();
                assertThatThrownBy(() -> connecting.get(20, TimeUnit.SECONDS))
                        .cause()
                        .isInstanceOf(IOException.class);
                TestAgent.await(
                        "the lease is back",
                        () -> TestAgent.table().snapshot(nobody).leased() == 0);
                TestAgent.await(
                        "the room is back",
                        () -> TestAgent.table().snapshot(nobody).open() == 0);
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

    @Test
    void whoWaitsForAFullPoolIsPassedOver() throws Exception {
        TestAgent.limit(2);
        PoolingHttpClientConnectionManager small = pooling();
        small.setDefaultMaxPerRoute(1);
        passesOver(on(small));
    }

    @Test
    void whoWaitsForAPoolThatIsFullInTotalIsPassedOver() throws Exception {
        TestAgent.limit(2);
        PoolingHttpClientConnectionManager small = pooling();
        small.setMaxTotal(1);
        passesOver(on(small));
    }

    private void passesOver(HttpClient4 client) throws Exception {
        Future<String> holder = hold(client);
        Future<String> waiter = threads.submit(() -> client.get(server.url("/waiter")));
        awaitPending(1);
        assertThat(on(pooling()).get(server.url("/other"))).startsWith("200 ");
        assertThat(server.targets()).containsExactly("/hold", "/other");
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void aBasicManagerInUseRefusesAtOnceAsItselfDoes() throws Exception {
        HttpClient4 client = on(new BasicHttpClientConnectionManager());
        try (CloseableHttpResponse open = client.http.execute(new HttpGet(server.url("/bytes/100000")))) {
            assertThat(open.getStatusLine().getStatusCode()).isEqualTo(200);
            assertThatThrownBy(() -> client.get(server.url("/")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("Connection is still allocated");
        }
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void aStaleConnectionIsReplaced(Supplier<HttpClientConnectionManager> manager) throws Exception {
        HttpClient4 client = on(manager.get());
        for (int i = 0; i < 3; i++) {
            assertThat(client.execute(get("/bytes/5", RequestConfig.custom().setStaleConnectionCheckEnabled(true))))
                    .isEqualTo("200 abcde");
            server.closeIdleConnections();
        }
        assertThat(server.acceptedConnections()).isEqualTo(3);
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource("managers")
    void anEvictorOfTheProgramsOwnMakesRoom(Supplier<HttpClientConnectionManager> manager) throws Exception {
        HttpClientConnectionManager evicting = manager.get();
        HttpClient4 client = on(evicting);
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
        evicting.closeIdleConnections(0, TimeUnit.MILLISECONDS);
        assertThat(TestAgent.figures(server).open()).isZero();
        assertThat(client.get(server.url("/"))).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void anEvictedConnectionLeavesItsPool() throws Exception {
        PoolingHttpClientConnectionManager robbed = pooling();
        assertThat(on(robbed).get(server.url("/"))).startsWith("200 ");
        assertThat(robbed.getTotalStats().getAvailable()).isEqualTo(1);
        assertThat(on(pooling()).get(server.url("/"))).startsWith("200 ");
        assertThat(robbed.getTotalStats().getAvailable()).isZero();
        assertThat(TestAgent.figures(server).open()).isEqualTo(1);
    }

    @Test
    void noMoreIsEvictedThanRoomIsNeeded() throws Exception {
        TestAgent.limit(2);
        PoolingHttpClientConnectionManager robbed = pooling();
        HttpClient4 first = on(robbed);
        Future<String> one = threads.submit(() -> first.get(server.url("/hold")));
        Future<String> two = threads.submit(() -> first.get(server.url("/hold")));
        server.awaitRequests(2);
        server.letGo();
        assertThat(one.get() + two.get()).startsWith("200 ");
        HttpClient4 second = on(pooling());
        for (int i = 0; i < 5; i++) {
            assertThat(second.get(server.url("/"))).startsWith("200 ");
            assertThat(first.get(server.url("/"))).startsWith("200 ");
            assertThat(robbed.getTotalStats().getAvailable()).isEqualTo(1);
        }
        assertThat(server.acceptedConnections()).isEqualTo(3);
        awaitQuiet();
    }

    @Test
    void aChallengeIsAnsweredWithinOneLease() throws Exception {
        BasicCredentialsProvider credentials = new BasicCredentialsProvider();
        credentials.setCredentials(
                AuthScope.ANY, new UsernamePasswordCredentials(TestServer.USER, TestServer.PASSWORD));
        HttpClient4 client =
                with(HttpClients.custom().setConnectionManager(pooling()).setDefaultCredentialsProvider(credentials));
        assertThat(client.get(server.url("/auth"))).startsWith("200 ");
        TestServer closing = closing(TestServer.builder().withoutKeepAlive().start());
        assertThat(client.get(closing.url("/auth"))).startsWith("200 ");
        TestAgent.await(
                "nothing is open there", () -> TestAgent.figures(closing).open() == 0);
        assertThat(TestAgent.figures(closing).leased()).isZero();
        awaitQuiet();
    }

    @Test
    void aRedirectGivesOneServerBackBeforeItAsksForTheNext() throws Exception {
        TestServer other = closing(TestServer.start());
        HttpClient4 client = on(pooling());
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            String url = i % 2 == 0
                    ? server.url("/redirect?to=" + other.url("/bytes/5"))
                    : other.url("/redirect?to=" + server.url("/bytes/5"));
            all.add(threads.submit(() -> client.get(url)));
        }
        for (Future<String> one : all) {
            assertThat(one.get(30, TimeUnit.SECONDS)).isEqualTo("200 abcde");
        }
        awaitQuiet();
    }

    @Test
    void clientsMayShareAPool() throws Exception {
        TestAgent.limit(2);
        PoolingHttpClientConnectionManager shared = pooling();
        HttpClient4 one = on(shared);
        HttpClient4 two = on(shared);
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            HttpClient4 client = i % 2 == 0 ? one : two;
            all.add(threads.submit(() -> client.get(server.url("/slow?ms=5"))));
        }
        for (Future<String> each : all) {
            assertThat(each.get(30, TimeUnit.SECONDS)).startsWith("200 ");
        }
        assertThat(server.acceptedConnections()).isLessThanOrEqualTo(2);
        awaitQuiet();
    }

    @Test
    void aRetryTakesALeaseOfItsOwn() throws Exception {
        CountDownLatch anotherWaits = new CountDownLatch(1);
        TestServer flaky = closing(TestServer.builder()
                .on("flaky", exchange -> {
                    if (anotherWaits.getCount() > 0) {
                        anotherWaits.await();
                        exchange.reset();
                    } else {
                        exchange.send(200, "late");
                    }
                })
                .start());
        HttpClient4 retrying = closing(new HttpClient4(
                HttpClients.custom().setConnectionManager(pooling()).build()));
        Future<String> failing = threads.submit(() -> retrying.get(flaky.url("/flaky")));
        flaky.awaitRequests(1);
        Future<String> next = threads.submit(() -> retrying.get(flaky.url("/next")));
        TestAgent.await("it waits", () -> TestAgent.figures(flaky).pending() == 1);
        anotherWaits.countDown();
        assertThat(failing.get(20, TimeUnit.SECONDS)).isEqualTo("200 late");
        assertThat(next.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        assertThat(flaky.targets()).containsExactly("/flaky", "/next", "/flaky");
        TestAgent.await("every lease is back", () -> TestAgent.figures(flaky).leased() == 0);
    }

    @Test
    void aBodyReadToItsEndGivesTheLeaseBackBeforeTheResponseIsClosed() throws Exception {
        HttpClient4 client = on(pooling());
        try (CloseableHttpResponse response = client.http.execute(new HttpGet(server.url("/bytes/100000")));
                InputStream body = response.getEntity().getContent()) {
            byte[] buffer = new byte[8192];
            while (body.read(buffer) >= 0) {
                assertThat(buffer).isNotEmpty();
            }
            assertThat(TestAgent.figures(server).leased()).isZero();
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        }
        awaitQuiet();
    }

    @Test
    void aLostClientGivesBackWhatItHeld() throws Exception {
        lose(ContractClient.Setup.plain());
        for (int i = 0; i < 50 && TestAgent.figures(server).open() > 0; i++) {
            System.gc();
            System.runFinalization();
            TimeUnit.MILLISECONDS.sleep(20);
        }
        assertThat(on(pooling()).get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        awaitQuiet();
    }

    private void lose(ContractClient.Setup setup) throws IOException {
        HttpClient4 lost = HttpClient4.pooling(setup);
        lost.http.execute(new HttpGet(server.url("/bytes/1000000")));
    }
}
