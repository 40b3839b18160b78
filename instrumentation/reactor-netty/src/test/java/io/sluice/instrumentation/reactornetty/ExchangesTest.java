package io.sluice.instrumentation.reactornetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.channel.ChannelOption;
import io.netty.handler.timeout.ReadTimeoutException;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.tcp.TcpClient;

/** Waiting, giving up, and every way in which an exchange ends. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExchangesTest {
    private final List<AutoCloseable> toClose = new ArrayList<>();

    @BeforeEach
    void oneConnection() {
        TestAgent.limit(1);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    private TestServer server() throws Exception {
        TestServer server = TestServer.start();
        toClose.add(server);
        return server;
    }

    private HttpClient client(ConnectionProvider provider) {
        toClose.add(provider::dispose);
        return HttpClient.create(provider);
    }

    private HttpClient client() {
        return client(ConnectionProvider.create("test", 50));
    }

    private static CompletableFuture<String> get(HttpClient client, String url) {
        return client.get().uri(url).responseSingle(ReactorClient::text).toFuture();
    }

    private static String result(CompletableFuture<String> call) throws Exception {
        return call.get(20, TimeUnit.SECONDS);
    }

    private static Throwable failure(CompletableFuture<String> call) throws Exception {
        try {
            throw new AssertionError("expected a failure, got " + result(call));
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    private static void awaitPending(TestServer server, int pending) throws Exception {
        TestAgent.await(pending + " wait", () -> TestAgent.figures(server).pending() == pending);
    }

    private static void awaitQuiet(TestServer server) throws Exception {
        awaitPending(server, 0);
        TestAgent.await("every lease is back", () -> TestAgent.figures(server).leased() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    @Test
    void aHundredCallsFromOneThreadParkNobody() throws Exception {
        TestAgent.limit(2);
        TestServer server = server();
        HttpClient client = client();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<CompletableFuture<String>> all = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                all.add(get(client, server.url("/hold?" + i)));
            }
            TestAgent.await("two are held", () -> server.held() == 2);
            awaitPending(server, 98);
            assertThat(meter.current()).isEqualTo(2);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            server.letGo();
            for (CompletableFuture<String> one : all) {
                assertThat(result(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitQuiet(server);
    }

    @Test
    void aCancelledCallLeavesTheQueue() throws Exception {
        TestServer server = server();
        HttpClient client = client();
        CompletableFuture<String> holder = get(client, server.url("/hold"));
        server.awaitRequests(1);
        Disposable waiter = client.get()
                .uri(server.url("/bytes/10"))
                .responseSingle(ReactorClient::text)
                .subscribe();
        awaitPending(server, 1);
        waiter.dispose();
        awaitPending(server, 0);
        server.letGo();
        assertThat(result(holder)).startsWith("200 ");
        awaitQuiet(server);
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void aTimeoutOfTheProgramsOwnLeavesTheQueue() throws Exception {
        TestServer server = server();
        HttpClient client = client();
        CompletableFuture<String> holder = get(client, server.url("/hold"));
        server.awaitRequests(1);
        assertThat(failure(client.get()
                        .uri(server.url("/bytes/10"))
                        .responseSingle(ReactorClient::text)
                        .timeout(Duration.ofMillis(100))
                        .toFuture()))
                .isInstanceOf(TimeoutException.class);
        awaitPending(server, 0);
        server.letGo();
        assertThat(result(holder)).startsWith("200 ");
    }

    @Test
    void thePendingAcquireTimeoutCountsTheWait() throws Exception {
        TestServer server = server();
        HttpClient client = client(ConnectionProvider.builder("impatient")
                .maxConnections(50)
                .pendingAcquireTimeout(Duration.ofMillis(300))
                .build());
        CompletableFuture<String> holder = get(client, server.url("/hold"));
        server.awaitRequests(1);
        Throwable thrown = failure(get(client, server.url("/bytes/10")));
        assertThat(thrown.getClass().getSimpleName()).isEqualTo("PoolAcquireTimeoutException");
        assertThat(thrown)
                .cause()
                .hasMessageMatching("timed out after [0-9]+ ms waiting for http://127.0.0.1:" + server.port()
                        + " \\(limit=1, leased=1, idle=0, pending=1\\)");
        server.letGo();
        assertThat(result(holder)).startsWith("200 ");
        awaitQuiet(server);
    }

    @Test
    void theResponseTimeoutDoesNotCountTheWait() throws Exception {
        TestServer server = server();
        HttpClient client = client();
        CompletableFuture<String> holder = get(client, server.url("/hold"));
        server.awaitRequests(1);
        CompletableFuture<String> waiter = get(client.responseTimeout(Duration.ofMillis(400)), server.url("/bytes/10"));
        awaitPending(server, 1);
        // The time must pass for the test to fail without the promise.
        assertThatThrownBy(() -> waiter.get(800, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        long startNanos = System.nanoTime();
        server.letGo();
        assertThat(result(holder)).startsWith("200 ");
        try {
            assertThat(result(waiter)).startsWith("200 ");
        } catch (ExecutionException slow) {
            // On a busy machine the answer may take that long by itself; had the wait counted, the time was over
            // before.
            assertThat(slow).hasCauseInstanceOf(ReadTimeoutException.class);
            assertThat(System.nanoTime() - startNanos).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(400));
            server.awaitRequests(2);
        }
    }

    @Test
    void aResponseTimeoutGivesTheLeaseBack() throws Exception {
        TestServer server = server();
        HttpClient client = client();
        assertThat(failure(get(client.responseTimeout(Duration.ofMillis(100)), server.url("/hold"))))
                .isInstanceOf(ReadTimeoutException.class);
        server.letGo();
        assertThat(result(get(client, server.url("/bytes/10")))).startsWith("200 ");
        awaitQuiet(server);
    }

    @Test
    void waitersOfAFullPoolDoNotHoldUpOthers() throws Exception {
        TestAgent.limit(2);
        TestServer server = server();
        HttpClient small = client(ConnectionProvider.create("small", 1));
        HttpClient other = client();
        CompletableFuture<String> holder = get(small, server.url("/hold"));
        server.awaitRequests(1);
        List<CompletableFuture<String>> waiters = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiters.add(get(small, server.url("/bytes/10")));
        }
        awaitPending(server, 5);
        assertThat(result(get(other, server.url("/bytes/10")))).startsWith("200 ");
        server.letGo();
        assertThat(result(holder)).startsWith("200 ");
        for (CompletableFuture<String> waiter : waiters) {
            assertThat(result(waiter)).startsWith("200 ");
        }
        awaitQuiet(server);
    }

    @Test
    void withoutAPoolTheLimitHolds() throws Exception {
        TestAgent.limit(2);
        TestServer server = server();
        HttpClient client = HttpClient.newConnection();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<CompletableFuture<String>> all = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                all.add(get(client, server.url("/hold?" + i)));
            }
            TestAgent.await("two are held", () -> server.held() == 2);
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            for (CompletableFuture<String> one : all) {
                assertThat(result(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitQuiet(server);
        assertThat(TestAgent.figures(server).open()).isZero();
    }

    @Test
    void aRedirectToAnotherServerTakesItsLease() throws Exception {
        TestServer first = server();
        TestServer second = server();
        HttpClient client = client().followRedirect(true);
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            all.add(get(client, first.url("/redirect?to=" + second.url("/bytes/10"))));
            all.add(get(client, second.url("/redirect?to=" + first.url("/bytes/10"))));
        }
        for (CompletableFuture<String> one : all) {
            assertThat(result(one)).startsWith("200 ");
        }
        awaitQuiet(first);
        awaitQuiet(second);
    }

    @Test
    void aBodyThatIsCancelledGivesTheLeaseBack() throws Exception {
        TestServer server = server();
        HttpClient client = client();
        for (int i = 0; i < 3; i++) {
            client.get()
                    .uri(server.url("/chunked/100000"))
                    .responseContent()
                    .take(1)
                    .blockLast(Duration.ofSeconds(10));
            // Only the head is wanted here.
            assertThat(client.get()
                            .uri(server.url("/bytes/1000"))
                            .response()
                            .block(Duration.ofSeconds(10))
                            .status()
                            .code())
                    .isEqualTo(200);
        }
        awaitQuiet(server);
    }

    @Test
    void aBodyThatNobodyReadsKeepsItsLeaseUntilItsConnectionIsDisposed() throws Exception {
        TestServer server = server();
        HttpClient client = client();
        Connection unread = client.get()
                .uri(server.url("/bytes/200000"))
                .responseConnection((response, connection) -> Mono.just(connection))
                .blockFirst(Duration.ofSeconds(10));
        CompletableFuture<String> waiter = get(client, server.url("/bytes/10"));
        awaitPending(server, 1);
        unread.dispose();
        assertThat(result(waiter)).startsWith("200 ");
        awaitQuiet(server);
    }

    @Test
    void whoWaitsForADisposedProviderIsToldSo() throws Exception {
        TestServer server = server();
        ConnectionProvider provider = ConnectionProvider.create("disposed", 50);
        HttpClient client = HttpClient.create(provider);
        CompletableFuture<String> holder = get(client, server.url("/hold"));
        server.awaitRequests(1);
        CompletableFuture<String> waiter = get(client, server.url("/bytes/10"));
        awaitPending(server, 1);
        provider.disposeLater().block(Duration.ofSeconds(10));
        assertThat(failure(waiter).getClass().getSimpleName()).isEqualTo("PoolShutdownException");
        server.letGo();
        assertThat(result(holder)).startsWith("200 ");
        awaitQuiet(server);
    }

    @Test
    void aConnectionThatTheServerClosesCountsNoLonger() throws Exception {
        AtomicInteger accepted = new AtomicInteger();
        try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
            Thread thread = new Thread(() -> serveOncePerConnection(listener, accepted));
            thread.start();
            HttpClient client = client();
            for (int i = 0; i < 5; i++) {
                assertThat(result(get(client, "http://127.0.0.1:" + listener.getLocalPort() + "/")))
                        .isEqualTo("200 ok");
                Destination destination = Destination.server("http", "127.0.0.1", listener.getLocalPort());
                TestAgent.await(
                        "its end is noticed",
                        () -> TestAgent.table().snapshot(destination).open() == 0);
                assertThat(TestAgent.table().snapshot(destination).leased()).isZero();
            }
        }
        assertThat(accepted.get()).isEqualTo(5);
    }

    /** Says nothing about closing, and closes after each response. */
    private static void serveOncePerConnection(ServerSocket listener, AtomicInteger accepted) {
        while (!listener.isClosed()) {
            try (Socket socket = listener.accept()) {
                accepted.incrementAndGet();
                if (socket.getInputStream().read(new byte[4096]) > 0) {
                    socket.getOutputStream()
                            .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                    .getBytes(StandardCharsets.US_ASCII));
                }
            } catch (java.io.IOException closed) {
                continue;
            }
        }
    }

    @Test
    void aPlainTcpClientIsLeftAlone() throws Exception {
        TestServer server = server();
        List<Connection> connections = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                connections.add(
                        TcpClient.create().host("127.0.0.1").port(server.port()).connectNow(Duration.ofSeconds(10)));
            }
            assertThat(TestAgent.figures(server).open()).isZero();
        } finally {
            connections.forEach(Connection::disposeNow);
        }
    }

    @Test
    void warmUpOpensNothing() throws Exception {
        assumeTrue(
                Arrays.stream(HttpClient.class.getMethods())
                        .anyMatch(method -> method.getName().equals("warmup")),
                "1.0.0 has none");
        TestServer server = server();
        HttpClient client = client();
        client.warmup().block(Duration.ofSeconds(10));
        assertThat(result(get(client, server.url("/bytes/10")))).startsWith("200 ");
        assertThat(server.acceptedConnections()).isEqualTo(1);
        awaitQuiet(server);
    }

    @Test
    void aWebSocketKeepsItsLeaseUntilItIsClosed() throws Exception {
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.ws(
                                "/socket",
                                (in, out) -> out.sendString(Flux.just("hello").concatWith(Flux.never())))
                        .get("/plain", (request, response) -> response.sendString(Mono.just("plain"))))
                .bindNow(Duration.ofSeconds(10));
        toClose.add(server::disposeNow);
        Destination destination = Destination.server("http", "127.0.0.1", server.port());
        HttpClient client = client();
        CompletableFuture<String> greeting = new CompletableFuture<>();
        Disposable socket = client.websocket()
                .uri("ws://127.0.0.1:" + server.port() + "/socket")
                .handle((in, out) -> in.receive().asString().doOnNext(greeting::complete))
                .subscribe();
        assertThat(result(greeting)).isEqualTo("hello");
        CompletableFuture<String> waiter = get(client, "http://127.0.0.1:" + server.port() + "/plain");
        TestAgent.await(
                "it waits", () -> TestAgent.table().snapshot(destination).pending() == 1);
        assertThat(TestAgent.table().snapshot(destination).leased()).isEqualTo(1);
        socket.dispose();
        assertThat(result(waiter)).isEqualTo("200 plain");
    }

    @Test
    void connectionsThatAreAbortedHardCountUntilTheyAreGone() throws Exception {
        TestServer server = server();
        HttpClient client = client().option(ChannelOption.SO_LINGER, 0).responseTimeout(Duration.ofMillis(5));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<CompletableFuture<String>> all = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                all.add(get(client, server.url("/hold?" + i)));
            }
            for (CompletableFuture<String> one : all) {
                assertThat(failure(one)).isInstanceOf(ReadTimeoutException.class);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        server.letGo();
        awaitQuiet(server);
    }

    @Test
    void aNameWithSeveralAddressesIsTriedWithOnePlace() throws Exception {
        TestServer server = server(); // listens on 127.0.0.1 only
        HttpClient client = client();
        for (int i = 0; i < 3; i++) {
            assertThat(result(get(client, "http://localhost:" + server.port() + "/bytes/10")))
                    .startsWith("200 ");
        }
        Destination localhost = Destination.server("http", "localhost", server.port());
        TestAgent.await(
                "it is idle", () -> TestAgent.table().snapshot(localhost).idle() == 1);
        assertThat(TestAgent.table().snapshot(localhost).open()).isEqualTo(1);
    }

    @Test
    void anUnknownHostGivesTheLeaseAndTheRoomBack() throws Exception {
        HttpClient client = client();
        for (int i = 0; i < 3; i++) {
            assertThat(failure(get(client, "http://nobody.invalid:1/"))).isNotNull();
        }
        Destination nobody = Destination.server("http", "nobody.invalid", 1);
        TestAgent.await(
                "nothing is left",
                () -> TestAgent.table().snapshot(nobody).leased() == 0
                        && TestAgent.table().snapshot(nobody).open() == 0);
    }
}
