package io.sluice.instrumentation.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every client must do under the agent. A client's test extends this and says how the client is made; the rest is
 * the same for all, and asks the server's kernel where it is about connections.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class HttpClientContract {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<AutoCloseable> toClose = new ArrayList<>();

    /** Makes a client with a pool of its own that would hold at least 50 connections to a server. */
    protected abstract ContractClient client(ContractClient.Setup setup) throws Exception;

    /** Whether this is what the program sees when the wait is given up because of {@code sluice.waitTimeout}. */
    protected abstract boolean isTimeout(Throwable thrown);

    /** Whether the client keeps a connection whose response said that it may be kept; false for basic managers. */
    protected boolean sharesConnectionsAmongThreads() {
        return true;
    }

    /** Whether an interrupt while waiting ends the call. */
    protected boolean isInterruptible() {
        return true;
    }

    @BeforeEach
    void defaults() {
        TestAgent.limits(Limits.defaults());
    }

    @AfterEach
    void closeAll() throws Exception {
        threads.shutdownNow();
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    /** Closes it when the test is over. */
    protected final <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    private ContractClient plainClient() throws Exception {
        return closing(client(ContractClient.Setup.plain()));
    }

    /** Has many threads do the same at once and waits for all. */
    protected final void together(int count, Callable<?> call) throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(threads.submit(call));
        }
        for (Future<?> one : all) {
            one.get(40, TimeUnit.SECONDS);
        }
    }

    private static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).pending() == 0);
        TestAgent.await(
                "every open connection is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    /**
     * Shows that so many connections are open at once and no more, while two exchanges more than that want one. The server
     * holds the requests meanwhile, since the meter may miss what is open for a short time only.
     */
    private void reaches(int connections, KernelMeter meter, TestServer server, ContractClient client)
            throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < connections + 2; i++) {
            all.add(threads.submit(() -> client.get(server.url("/hold"))));
        }
        TestAgent.await("as many requests as may are held", () -> server.held() == connections);
        TestAgent.await("the kernel counts them", () -> meter.current() == connections);
        server.letGo();
        for (Future<?> one : all) {
            one.get(20, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void neverMoreConnectionsThanTheLimit(int limit) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(limit);
        TestServer server = closing(TestServer.builder().delayMillis(15).start());
        ContractClient client = plainClient();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            reaches(limit, meter, server, client);
            together(30, () -> {
                assertThat(client.get(server.url("/bytes/500")))
                        .startsWith("200 abc")
                        .hasSize(504);
                return null;
            });
            assertThat(meter.max()).isEqualTo(limit);
        }
        assertThat(server.requests()).hasSize(30 + limit + 2);
        awaitQuiet(server);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void neverMoreConnectionsThanTheLimitWithTls(int limit) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(limit);
        TestServer server = closing(TestServer.builder().tls().delayMillis(5).start());
        ContractClient client = closing(client(ContractClient.Setup.plain().trusting(TestTls.clientContext())));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            reaches(limit, meter, server, client);
            together(20, () -> {
                assertThat(client.get(server.url("/bytes/500"))).startsWith("200 abc");
                return null;
            });
            assertThat(meter.max()).isEqualTo(limit);
        }
        awaitQuiet(server);
    }

    @Test
    void reusesAnIdleConnection() throws Exception {
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        for (int i = 0; i < 5; i++) {
            assertThat(client.get(server.url("/bytes/100"))).startsWith("200 ");
            TestAgent.await(
                    "the connection is idle", () -> TestAgent.figures(server).idle() == 1);
        }
        assertThat(server.acceptedConnections()).isEqualTo(1);
        awaitQuiet(server); // a lease is back a moment after its connection is idle
    }

    @Test
    void grantsInArrivalOrder() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        List<Future<?>> all = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String path = "/hold?n=" + i;
            expected.add(path);
            all.add(threads.submit(() -> client.get(server.url(path))));
            int waiting = i;
            if (i == 0) {
                server.awaitRequests(1);
            } else {
                TestAgent.await("it waits", () -> TestAgent.figures(server).pending() == waiting);
            }
        }
        server.letGo();
        for (Future<?> one : all) {
            one.get(20, TimeUnit.SECONDS);
        }
        assertThat(server.targets()).isEqualTo(expected);
    }

    @Test
    void idleConnectionsOfAnotherPoolMakeRoom() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestServer server = closing(TestServer.start());
        ContractClient first = plainClient();
        ContractClient second = plainClient();
        List<Future<?>> all = new ArrayList<>();
        all.add(threads.submit(() -> first.get(server.url("/hold?a"))));
        all.add(threads.submit(() -> first.get(server.url("/hold?b"))));
        server.awaitRequests(2);
        server.letGo();
        for (Future<?> one : all) {
            one.get(20, TimeUnit.SECONDS);
        }
        TestAgent.await(
                "both connections are idle", () -> TestAgent.figures(server).idle() == 2);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 5; i++) {
                assertThat(second.get(server.url("/bytes/10"))).startsWith("200 ");
                assertThat(first.get(server.url("/bytes/10"))).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        awaitQuiet(server);
    }

    @Test
    void evictionNeverFailsAnExchange() throws Exception {
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        List<ContractClient> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            clients.add(plainClient());
        }
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            ContractClient client = clients.get(i % clients.size());
            all.add(threads.submit(() -> {
                for (int j = 0; j < 25; j++) {
                    assertThat(client.get(server.url("/bytes/200"))).startsWith("200 abc");
                }
                return null;
            }));
        }
        for (Future<?> one : all) {
            one.get(50, TimeUnit.SECONDS);
        }
        awaitQuiet(server);
    }

    @ParameterizedTest
    @CsvSource({
        "/bytes/100000, 200",
        "/chunked/100000, 200",
        "/close?bytes=100000, 200",
        "/close-delimited?bytes=100000, 200",
        "/status/500?bytes=3000, 500",
        "/status/404?bytes=3000, 404",
        "/status/204, 204",
        "/status/304, 304",
        "/redirect?to=/bytes/10, 200",
        "/drip, 200"
    })
    void everyKindOfResponseGivesItsLeaseBack(String path, int status) throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url(path))).startsWith(status + " ");
        }
        awaitQuiet(server);
    }

    @Test
    void aPostGoesThrough() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        for (int i = 0; i < 3; i++) {
            assertThat(client.post(server.url("/echo"), new byte[50_000])).isEqualTo("200 50000");
        }
        awaitQuiet(server);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/reset", "/hangup?bytes=1000"})
    void afterAFaultTheLeaseIsBack(String path) throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        for (int i = 0; i < 4; i++) {
            try {
                // Some clients, HttpURLConnection among them, take a body that ends too early for a short one.
                assertThat(client.get(server.url(path))).hasSizeLessThan("200 ".length() + 1000);
                assertThat(path).isNotEqualTo("/reset");
            } catch (Exception expected) {
                assertThat(isTimeout(expected)).isFalse();
            }
            assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        }
        awaitQuiet(server);
    }

    @Test
    void afterARefusedConnectTheLeaseIsBack() throws Exception {
        TestAgent.limit(1);
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        ContractClient client = plainClient();
        for (int i = 0; i < 3; i++) {
            try {
                client.get("http://127.0.0.1:" + port + "/");
                throw new AssertionError("expected a failure");
            } catch (Exception expected) {
                assertThat(isTimeout(expected)).isFalse();
            }
        }
        Destination nobody = Destination.server("http", "127.0.0.1", port);
        TestAgent.await(
                "every lease is back", () -> TestAgent.table().snapshot(nobody).leased() == 0);
        TestAgent.await(
                "no connection is open",
                () -> TestAgent.table().snapshot(nobody).open() == 0);
    }

    @Test
    void afterAFailedHandshakeTheLeaseIsBack() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.builder().tls().start());
        ContractClient distrusting = plainClient();
        for (int i = 0; i < 3; i++) {
            try {
                distrusting.get(server.url("/bytes/10"));
                throw new AssertionError("expected a failure");
            } catch (Exception expected) {
                assertThat(isTimeout(expected)).isFalse();
            }
        }
        ContractClient trusting = closing(client(ContractClient.Setup.plain().trusting(TestTls.clientContext())));
        assertThat(trusting.get(server.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet(server);
    }

    @Test
    void aWaitTimeoutIsTheClientsOwnException() throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(1)
                .waitTimeoutNanos(TimeUnit.MILLISECONDS.toNanos(300))
                .build());
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        Future<String> holder = threads.submit(() -> client.get(server.url("/hold")));
        server.awaitRequests(1);
        try {
            client.get(server.url("/bytes/10"));
            throw new AssertionError("expected a timeout");
        } catch (Exception thrown) {
            assertThat(isTimeout(thrown)).as("%s", thrown).isTrue();
            assertThat(text(thrown))
                    .matches("timed out after [0-9]+ ms waiting for http://127\\.0\\.0\\.1:" + server.port()
                            + " \\(limit=1, leased=1, idle=0, pending=1\\)");
        }
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet(server); // a client may answer before its lease is back, and the next waits for 300 ms only
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet(server);
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        assumeTrue(isInterruptible(), "this client cannot be interrupted");
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        Future<String> holder = threads.submit(() -> client.get(server.url("/hold")));
        server.awaitRequests(1);
        FutureTask<String> waiter = new FutureTask<>(() -> client.get(server.url("/bytes/10")));
        Thread waiting = new Thread(waiter);
        waiting.start();
        TestAgent.await("it waits", () -> TestAgent.figures(server).pending() == 1);
        waiting.interrupt();
        try {
            waiter.get(20, TimeUnit.SECONDS);
            throw new AssertionError("expected to be interrupted");
        } catch (ExecutionException expected) {
            assertThat(expected.getCause()).isInstanceOf(Exception.class);
        }
        TestAgent.await("nobody waits", () -> TestAgent.figures(server).pending() == 0);
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet(server);
        assertThat(server.targets()).containsOnly("/hold");
    }

    @Test
    void anHttp10ServerHasItsOwnLimitFromItsFirstAnswerOn() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestServer server =
                closing(TestServer.builder().http10().delayMillis(20).start());
        ContractClient client = plainClient();
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        TestAgent.await("the class is known", () -> TestAgent.figures(server).limit() == 4);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            reaches(4, meter, server, client);
            together(24, () -> {
                assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
                return null;
            });
            assertThat(meter.max()).isEqualTo(4);
        }
        awaitQuiet(server);
    }

    @Test
    void raisingTheLimitWakesWaiters() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        ContractClient client = plainClient();
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(threads.submit(() -> client.get(server.url("/hold"))));
        }
        server.awaitRequests(1);
        TestAgent.await("three wait", () -> TestAgent.figures(server).pending() == 3);
        TestAgent.limit(3);
        server.awaitRequests(3);
        TestAgent.await("one waits", () -> TestAgent.figures(server).pending() == 1);
        server.letGo();
        for (Future<?> one : all) {
            one.get(20, TimeUnit.SECONDS);
        }
        awaitQuiet(server);
    }

    private static InetSocketAddress address(TestProxy proxy) {
        return new InetSocketAddress(proxy.host(), proxy.port());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void throughAProxyItsLimitHolds(int limit) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(20)
                .maxConnectionsPerProxy(limit)
                .build());
        TestServer first = closing(TestServer.builder().delayMillis(15).start());
        TestServer second = closing(TestServer.builder().delayMillis(15).start());
        TestProxy proxy = closing(TestProxy.start());
        ContractClient client = closing(client(ContractClient.Setup.plain().through(address(proxy))));
        try (KernelMeter meter = KernelMeter.start(proxy.port())) {
            reaches(limit, meter, first, client);
            together(20, () -> {
                assertThat(client.get(first.url("/bytes/500"))).startsWith("200 abc");
                assertThat(client.get(second.url("/bytes/500"))).startsWith("200 abc");
                return null;
            });
            assertThat(meter.max()).isEqualTo(limit);
        }
        assertThat(proxy.plainRequests()).isEqualTo(40 + limit + 2);
        awaitQuiet(first);
        awaitQuiet(second);
    }

    @ParameterizedTest
    @CsvSource({"1, 4, false", "2, 5, true", "5, 2, false"})
    void throughATunnelBothLimitsHold(int perServer, int perProxy, boolean connectHttp10) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(perServer)
                .maxConnectionsPer10Server(20)
                .maxConnectionsPerProxy(perProxy)
                .build());
        TestServer server = closing(TestServer.builder().tls().delayMillis(15).start());
        TestProxy.Builder builder = TestProxy.builder();
        TestProxy proxy = closing((connectHttp10 ? builder.connectHttp10() : builder).start());
        ContractClient client = closing(
                client(ContractClient.Setup.plain().through(address(proxy)).trusting(TestTls.clientContext())));
        try (KernelMeter meter = KernelMeter.start(proxy.port())) {
            reaches(Math.min(perServer, perProxy), meter, server, client);
            together(24, () -> {
                assertThat(client.get(server.url("/bytes/500"))).startsWith("200 abc");
                return null;
            });
            assertThat(meter.max()).isEqualTo(Math.min(perServer, perProxy));
        }
        assertThat(TestAgent.figures(server).isHttp10())
                .as("the answer to CONNECT is the proxy's")
                .isFalse();
        awaitQuiet(server);
    }

    @Test
    void idleTunnelsToOneServerMakeRoomForAnother() throws Exception {
        TestAgent.limits(Limits.builder().maxConnectionsPerProxy(1).build());
        TestServer first = closing(TestServer.builder().tls().start());
        TestServer second = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(TestProxy.start());
        ContractClient client = closing(
                client(ContractClient.Setup.plain().through(address(proxy)).trusting(TestTls.clientContext())));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(first.url("/bytes/10"))).startsWith("200 ");
            assertThat(client.get(second.url("/bytes/10"))).startsWith("200 ");
        }
        awaitQuiet(first);
        awaitQuiet(second);
    }

    /** What it says, or its cause where the client's exception has a text that is always the same. */
    private static @Nullable String text(Throwable thrown) {
        Throwable cause = thrown.getCause();
        if (cause != null && String.valueOf(cause.getMessage()).startsWith("timed out after")) {
            return cause.getMessage();
        }
        return thrown.getMessage();
    }
}
