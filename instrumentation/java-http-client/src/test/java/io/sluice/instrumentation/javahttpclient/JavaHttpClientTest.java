package io.sluice.instrumentation.javahttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Limits;
import java.io.IOException;
import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What only this client has: futures, its own timeouts and executors, and its retries. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class JavaHttpClientTest {
    private final List<AutoCloseable> toClose = new ArrayList<>();

    @BeforeEach
    void oneConnection() {
        TestAgent.limit(1);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable one : toClose) {
            one.close();
        }
        TestAgent.limits(Limits.defaults());
    }

    private TestServer server(TestServer.Builder builder) {
        TestServer server = builder.start();
        toClose.add(server);
        return server;
    }

    private static HttpClient.Builder builder() {
        return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
    }

    private static HttpRequest.Builder request(TestServer server, String path) {
        return HttpRequest.newBuilder(server.uri(path));
    }

    private static CompletableFuture<HttpResponse<String>> get(HttpClient client, TestServer server, String path) {
        return client.sendAsync(request(server, path).build(), BodyHandlers.ofString());
    }

    private static void assertOk(CompletableFuture<HttpResponse<String>> exchange) throws Exception {
        assertThat(exchange.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }

    private static void awaitPending(TestServer server, int count) throws Exception {
        TestAgent.await(count + " wait", () -> TestAgent.figures(server).pending() == count);
    }

    private static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await("every lease is back", () -> TestAgent.figures(server).leased() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    @Test
    void waitingBlocksNoThread() throws Exception {
        TestServer server = server(TestServer.builder());
        ExecutorService single = Executors.newSingleThreadExecutor();
        toClose.add(single::shutdownNow);
        HttpClient client = builder().executor(single).build();
        List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            exchanges.add(get(client, server, "/hold"));
        }
        awaitPending(server, 9);
        assertThat(single.submit(() -> "free").get(20, TimeUnit.SECONDS)).isEqualTo("free");
        server.letGo();
        for (CompletableFuture<HttpResponse<String>> one : exchanges) {
            assertOk(one);
        }
        awaitQuiet(server);
    }

    @Test
    void cancellingTheFutureLeavesTheQueue() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().build();
        CompletableFuture<HttpResponse<String>> holder = get(client, server, "/hold");
        server.awaitRequests(1);
        CompletableFuture<HttpResponse<String>> cancelled = get(client, server, "/cancelled");
        awaitPending(server, 1);
        CompletableFuture<HttpResponse<String>> last = get(client, server, "/last");
        awaitPending(server, 2);
        assertThat(cancelled.cancel(true)).isTrue();
        awaitPending(server, 1);
        // Which of the two is a race in the client itself, from 17 on.
        assertThatThrownBy(() -> cancelled.get(20, TimeUnit.SECONDS))
                .isInstanceOfAny(CancellationException.class, ExecutionException.class);
        server.letGo();
        assertOk(holder);
        assertOk(last);
        assertThat(server.targets()).containsExactly("/hold", "/last");
        awaitQuiet(server);
    }

    @Test
    void theRequestsTimeoutCoversTheWait() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().build();
        CompletableFuture<HttpResponse<String>> holder = get(client, server, "/hold");
        server.awaitRequests(1);
        HttpRequest impatient =
                request(server, "/impatient").timeout(Duration.ofMillis(300)).build();
        long begin = System.nanoTime();
        String figures = "timed out after [0-9]+ ms waiting for http://127\\.0\\.0\\.1:" + server.port()
                + " \\(limit=1, leased=1, idle=0, pending=1\\)";
        assertThatThrownBy(() -> client.send(impatient, BodyHandlers.ofString()))
                .isInstanceOf(HttpConnectTimeoutException.class)
                .satisfies(thrown -> assertThat(thrown.getMessage()).matches(figures));
        assertThat(System.nanoTime() - begin).isBetween(250_000_000L, 15_000_000_000L);
        assertThatThrownBy(() ->
                        client.sendAsync(impatient, BodyHandlers.ofString()).get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(HttpConnectTimeoutException.class);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertOk(holder);
        assertThat(server.targets()).containsExactly("/hold");
        awaitQuiet(server);
    }

    @Test
    void theConnectTimeoutDoesNotCoverTheWait() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient holding = builder().build();
        HttpClient client = builder().connectTimeout(Duration.ofMillis(800)).build();
        CompletableFuture<HttpResponse<String>> holder = get(holding, server, "/slow?ms=1500");
        server.awaitRequests(1);
        assertOk(get(client, server, "/"));
        assertOk(holder);
        awaitQuiet(server);
    }

    @Test
    void aFullQueueRefusesAtOnce() throws Exception {
        TestAgent.limits(
                Limits.builder().maxConnectionsPerServer(1).maxPending(1).build());
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().build();
        CompletableFuture<HttpResponse<String>> holder = get(client, server, "/hold");
        server.awaitRequests(1);
        CompletableFuture<HttpResponse<String>> waiter = get(client, server, "/waiter");
        awaitPending(server, 1);
        assertThatThrownBy(() -> get(client, server, "/refused").get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(HttpConnectTimeoutException.class)
                .hasMessageContaining("refused at once");
        server.letGo();
        assertOk(holder);
        assertOk(waiter);
        awaitQuiet(server);
    }

    @Test
    void anExecutorThatRejectsGivesTheLeaseBack() throws Exception {
        TestServer server = server(TestServer.builder());
        AtomicBoolean rejecting = new AtomicBoolean();
        ExecutorService pool = Executors.newCachedThreadPool();
        toClose.add(pool::shutdownNow);
        HttpClient client = builder()
                .executor(task -> {
                    if (rejecting.get()) {
                        throw new RejectedExecutionException("as the test wants");
                    }
                    pool.execute(task);
                })
                .build();
        HttpClient other = builder().build();
        CompletableFuture<HttpResponse<String>> holder = get(other, server, "/hold");
        server.awaitRequests(1);
        CompletableFuture<HttpResponse<String>> waiter = get(client, server, "/rejected");
        awaitPending(server, 1);
        rejecting.set(true);
        server.letGo();
        assertOk(holder);
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        assertOk(get(other, server, "/next"));
        assertThat(server.targets()).containsExactly("/hold", "/next");
        awaitQuiet(server);
    }

    @Test
    void anExecutorThatRunsOnTheCallersThreadWorks() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().executor(Runnable::run).build();
        List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            exchanges.add(get(client, server, i % 2 == 0 ? "/bytes/5000" : "/status/200?bytes=0"));
        }
        for (CompletableFuture<HttpResponse<String>> one : exchanges) {
            assertOk(one);
        }
        awaitQuiet(server);
    }

    @Test
    void aBodyHandlerThatThrowsGivesTheLeaseBack() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().build();
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> client.send(request(server, "/bytes/100").build(), info -> {
                        throw new IllegalStateException("as the test wants");
                    }))
                    .isInstanceOf(IOException.class);
        }
        assertOk(get(client, server, "/"));
        awaitQuiet(server);
    }

    @Test
    void anAuthenticationRetryTakesOneLeaseAtATime() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder()
                .authenticator(authenticator(TestServer.USER, TestServer.PASSWORD))
                .build();
        for (int i = 0; i < 3; i++) {
            assertOk(get(client, server, "/auth"));
        }
        awaitQuiet(server);
    }

    @Test
    void tooManyAttemptsToAuthenticateGiveTheLeaseBack() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client =
                builder().authenticator(authenticator("nobody", "wrong")).build();
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> client.send(request(server, "/auth").build(), BodyHandlers.ofString()))
                    .isInstanceOf(IOException.class);
        }
        assertOk(get(client, server, "/"));
        awaitQuiet(server);
    }

    private static Authenticator authenticator(String user, String password) {
        return new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(user, password.toCharArray());
            }
        };
    }

    @Test
    void aProxyThatRefusesTheTunnelGivesTheLeasesBack() throws Exception {
        TestServer server = server(TestServer.builder().tls());
        TestProxy proxy = TestProxy.builder().basicAuthentication("u", "p").start();
        toClose.add(proxy);
        HttpClient client = builder()
                .proxy(ProxySelector.of(new java.net.InetSocketAddress(proxy.host(), proxy.port())))
                .sslContext(TestTls.clientContext())
                .build();
        for (int i = 0; i < 3; i++) {
            assertThat(get(client, server, "/").get(20, TimeUnit.SECONDS).statusCode())
                    .isEqualTo(407);
        }
        awaitQuiet(server);
        assertThat(TestAgent.figures(server).open()).isZero();
    }

    @Test
    void expectContinueGoesThrough() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().build();
        for (int i = 0; i < 3; i++) {
            HttpRequest post = request(server, "/echo")
                    .expectContinue(true)
                    .POST(BodyPublishers.ofByteArray(new byte[10_000]))
                    .build();
            assertThat(client.send(post, BodyHandlers.ofString()).body()).isEqualTo("10000");
        }
        awaitQuiet(server);
    }

    @Test
    void aRedirectToAnotherServerHoldsOneLeaseAtATime() throws Exception {
        TestServer second = server(TestServer.builder());
        TestServer first = server(TestServer.builder());
        HttpClient client =
                builder().followRedirects(HttpClient.Redirect.ALWAYS).build();
        List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            exchanges.add(get(client, first, "/redirect?to=" + second.url("/bytes/10")));
            exchanges.add(get(client, second, "/redirect?to=" + first.url("/bytes/10")));
        }
        for (CompletableFuture<HttpResponse<String>> one : exchanges) {
            assertOk(one);
        }
        awaitQuiet(first);
        awaitQuiet(second);
    }

    @Test
    void anHttp10ConnectionIsNotKept() throws Exception {
        TestServer server = server(TestServer.builder().http10());
        HttpClient client = builder().build();
        for (int i = 0; i < 3; i++) {
            assertOk(get(client, server, "/bytes/10"));
            TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
            TestAgent.await(
                    "its lease is back", () -> TestAgent.figures(server).leased() == 0); // a moment after its room
        }
        assertThat(server.acceptedConnections()).isEqualTo(3);
    }

    @Test
    void aDisconnectedExchangeGivesItsRoomBack() throws Exception {
        TestServer server = server(TestServer.builder());
        HttpClient client = builder().build();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 20; i++) {
                CompletableFuture<HttpResponse<String>> never = get(client, server, "/never");
                if (i % 2 == 0) {
                    server.awaitRequests(i / 2 + 1);
                }
                never.cancel(true);
                if (i % 2 == 0 && Runtime.version().feature() == 11) {
                    server.closeIdleConnections(); // there the exchange itself goes on, as without the agent
                    break;
                }
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void cancelsAndTimeoutsThatRaceGrantsLoseNothing() throws Exception {
        TestAgent.limit(2);
        TestServer server = server(TestServer.builder());
        TestServer tls = server(TestServer.builder().tls());
        List<HttpClient> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            clients.add(HttpClient.newBuilder()
                    .version(i == 0 ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1)
                    .sslContext(TestTls.clientContext())
                    .build());
        }
        Random random = new Random(42);
        List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            HttpRequest.Builder request = request(i % 3 == 0 ? tls : server, "/slow?ms=" + random.nextInt(3));
            if (i % 4 == 1) {
                request.timeout(Duration.ofMillis(1 + random.nextInt(60)));
            }
            CompletableFuture<HttpResponse<String>> exchange =
                    clients.get(random.nextInt(3)).sendAsync(request.build(), BodyHandlers.ofString());
            exchanges.add(exchange);
            if (i % 4 == 2) {
                exchanges.get(random.nextInt(exchanges.size())).cancel(true);
            }
        }
        for (int i = 0; i < 100; i++) {
            exchanges.get(random.nextInt(exchanges.size())).cancel(true);
        }
        for (CompletableFuture<HttpResponse<String>> exchange : exchanges) {
            exchange.handle((response, failure) -> null).get(30, TimeUnit.SECONDS);
        }
        awaitQuiet(server);
        awaitQuiet(tls);
        for (HttpClient client : clients) {
            assertOk(get(client, server, "/bytes/10"));
            assertOk(get(client, tls, "/bytes/10"));
        }
    }

    @Test
    void twoWaysOfSendingMixWell() throws Exception {
        TestAgent.limit(2);
        TestServer server = server(TestServer.builder().delayMillis(2));
        JavaNetClient one = new JavaNetClient(ContractClient.Setup.plain(), false, HttpClient.Version.HTTP_2, null);
        HttpClient other = builder().build();
        List<CompletableFuture<HttpResponse<String>>> exchanges = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            exchanges.add(get(other, server, "/bytes/10"));
            assertThat(one.get(server.url("/bytes/10"))).startsWith("200 ");
        }
        for (CompletableFuture<HttpResponse<String>> exchange : exchanges) {
            assertOk(exchange);
        }
        awaitQuiet(server);
    }
}
