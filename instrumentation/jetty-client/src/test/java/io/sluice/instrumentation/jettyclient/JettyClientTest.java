package io.sluice.instrumentation.jettyclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is this client's own: its queue, its timeouts, its pools. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class JettyClientTest {
    private TestServer server;
    private Jetty client;

    @BeforeEach
    void start() throws Exception {
        TestAgent.limit(1);
        server = TestServer.start();
        client = new Jetty(ContractClient.Setup.plain(), true);
    }

    @AfterEach
    void stop() throws Exception {
        server.letGo();
        client.close();
        server.close();
        TestAgent.limits(Limits.defaults());
    }

    private Future<?> send(String path) throws Exception {
        return Jetty.send(client.request(server.url(path)));
    }

    private static String answer(Future<?> response) throws Exception {
        return Jetty.text(response.get(30, TimeUnit.SECONDS));
    }

    private void awaitPending(int pending) throws Exception {
        TestAgent.await("they wait", () -> TestAgent.figures(server).pending() == pending);
    }

    private void awaitQuiet() throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).pending() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    @Test
    void aHundredCallsOfOneThreadParkNobody() throws Exception {
        TestAgent.limit(2);
        List<Future<?>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 100; i++) {
                all.add(send("/hold?n=" + i));
            }
            TestAgent.await("two are held", () -> server.held() == 2);
            awaitPending(98);
            TestAgent.await("the kernel counts two", () -> meter.current() == 2);
            // One may stand for a moment where another thread has just stopped in the limiter.
            TestAgent.await("nobody is parked", () -> ParkedThreads.inTheAgent().isEmpty());
            server.letGo();
            for (Future<?> one : all) {
                assertThat(answer(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitQuiet();
        assertThat(server.acceptedConnections()).as("they are kept").isLessThanOrEqualTo(4);
    }

    @Test
    void grantsCallsOfOneThreadInTheirOrder() throws Exception {
        List<Future<?>> all = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(send("/hold?n=" + i));
            expected.add("/hold?n=" + i);
        }
        server.awaitRequests(1);
        server.letGo();
        for (Future<?> one : all) {
            answer(one);
        }
        assertThat(server.targets()).isEqualTo(expected);
    }

    @Test
    void anAbortedCallLeavesTheQueue() throws Exception {
        Future<?> holder = send("/hold");
        server.awaitRequests(1);
        Object request = client.request(server.url("/bytes/10"));
        Future<?> waiting = Jetty.send(request);
        awaitPending(1);
        Jetty.call(request, "abort", new IllegalStateException("enough"));
        assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS)).hasRootCauseMessage("enough");
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(answer(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void aCancelledFutureLeavesTheQueue() throws Exception {
        Future<?> holder = send("/hold");
        server.awaitRequests(1);
        Future<?> waiting = send("/bytes/10");
        awaitPending(1);
        waiting.cancel(true);
        TestAgent.await("nobody waits", () -> TestAgent.figures(server).pending() == 0);
        server.letGo();
        assertThat(answer(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void anInterruptEndsTheWaitOfABlockingCall() throws Exception {
        Future<?> holder = send("/hold");
        server.awaitRequests(1);
        Throwable[] thrown = new Throwable[1];
        Thread blocked = new Thread(() -> {
            try {
                Jetty.call(client.request(server.url("/bytes/10")), "send");
            } catch (Throwable e) {
                thrown[0] = e;
            }
        });
        blocked.start();
        awaitPending(1);
        blocked.interrupt();
        blocked.join(20_000);
        assertThat(thrown[0]).isInstanceOf(InterruptedException.class);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(answer(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void theTotalTimeoutEndsTheWaitAndSaysWhatForWasWaited() throws Exception {
        Future<?> holder = send("/hold");
        server.awaitRequests(1);
        Future<?> waiting = Jetty.send(Jetty.timeout(client.request(server.url("/bytes/10")), 300));
        assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessageStartingWith("Total timeout 300 ms elapsed: timed out after ")
                .hasMessageEndingWith(" ms waiting for http://127.0.0.1:" + server.port()
                        + " (limit=1, leased=1, idle=0, pending=1)");
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(answer(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void theClientsQueueIsAsLongAsItWasMade() throws Exception {
        Jetty.call(client.client(), "setMaxRequestsQueuedPerDestination", 3);
        List<Future<?>> all = new ArrayList<>();
        all.add(send("/hold"));
        server.awaitRequests(1);
        for (int i = 0; i < 3; i++) {
            all.add(send("/bytes/10"));
        }
        awaitPending(3);
        Future<?> oneTooMany = send("/bytes/10");
        assertThatThrownBy(() -> oneTooMany.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(RejectedExecutionException.class);
        server.letGo();
        for (Future<?> one : all) {
            assertThat(answer(one)).startsWith("200 ");
        }
        awaitQuiet();
    }

    @Test
    void aFullQueueOfTheAgentIsLikeAFullQueueOfTheClient() throws Exception {
        TestAgent.limits(
                Limits.builder().maxConnectionsPerServer(1).maxPending(1).build());
        List<Future<?>> all = new ArrayList<>();
        all.add(send("/hold"));
        server.awaitRequests(1);
        all.add(send("/bytes/10"));
        awaitPending(1);
        Future<?> oneTooMany = send("/bytes/10");
        assertThatThrownBy(() -> oneTooMany.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("refused at once");
        server.letGo();
        for (Future<?> one : all) {
            assertThat(answer(one)).startsWith("200 ");
        }
        awaitQuiet();
    }

    @Test
    void aSmallPoolHoardsNoLeases() throws Exception {
        TestAgent.limit(2);
        Jetty.call(client.client(), "setMaxConnectionsPerDestination", 1);
        Future<?> first = send("/hold?small=1");
        server.awaitRequests(1);
        Future<?> second = send("/bytes/10");
        awaitPending(1);
        try (Jetty other = new Jetty(ContractClient.Setup.plain(), true)) {
            assertThat(other.get(server.url("/bytes/20"))).startsWith("200 ");
        }
        assertThat(second.isDone()).isFalse();
        server.letGo();
        assertThat(answer(first)).startsWith("200 ");
        assertThat(answer(second)).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void abortsAtAnyMomentLeaveNothingBehind(int limit) throws Exception {
        TestAgent.limit(limit);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (Jetty other = new Jetty(ContractClient.Setup.plain(), true)) {
            List<Future<?>> storms = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Jetty mine = i % 2 == 0 ? client : other;
                Random random = new Random(i);
                storms.add(threads.submit(() -> storm(mine, random)));
            }
            for (Future<?> storm : storms) {
                storm.get(50, TimeUnit.SECONDS);
            }
            awaitQuiet();
            assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
            assertThat(other.get(server.url("/bytes/10"))).startsWith("200 ");
        } finally {
            threads.shutdownNow();
        }
        awaitQuiet();
    }

    private Void storm(Jetty mine, Random random) throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            Object request = mine.request(server.url("/bytes/10?ms=" + random.nextInt(3)));
            if (random.nextInt(3) == 0) {
                Jetty.timeout(request, 1 + random.nextInt(20));
            }
            all.add(Jetty.send(request));
            if (random.nextInt(3) == 0) {
                Thread.sleep(random.nextInt(3)); // at some moment of the exchange or other
                Jetty.call(request, "abort", new IllegalStateException("enough"));
            }
        }
        for (Future<?> one : all) {
            try {
                answer(one);
            } catch (ExecutionException aborted) {
                assertThat(aborted.getCause()).isNotInstanceOf(NullPointerException.class);
            }
        }
        return null;
    }

    @Test
    void aStoppedClientIsCollected() throws Exception {
        WeakReference<Object> gone = new WeakReference<>(usedAndStopped());
        TestAgent.await("it is collected", () -> {
            System.gc();
            return gone.get() == null;
        });
    }

    private Object usedAndStopped() throws Exception {
        Jetty other = new Jetty(ContractClient.Setup.plain(), true);
        assertThat(other.get(server.url("/bytes/10"))).startsWith("200 ");
        other.close();
        return other.client();
    }

    @Test
    void stoppingTheClientEndsTheWait() throws Exception {
        Jetty other = new Jetty(ContractClient.Setup.plain(), true);
        Future<?> holder = send("/hold");
        server.awaitRequests(1);
        List<Future<?>> waiting = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiting.add(Jetty.send(other.request(server.url("/bytes/10"))));
        }
        awaitPending(5);
        other.close();
        for (Future<?> one : waiting) {
            assertThatThrownBy(() -> one.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        }
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(answer(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void stoppingTheClientClosesWhatIsCounted() throws Exception {
        TestAgent.limit(3);
        Jetty other = new Jetty(ContractClient.Setup.plain(), true);
        Future<?> held = Jetty.send(other.request(server.url("/hold")));
        server.awaitRequests(1);
        other.close();
        assertThatThrownBy(() -> held.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        TestAgent.await(
                "nothing is open",
                () -> TestAgent.figures(server).open() == 0
                        && TestAgent.figures(server).leased() == 0);
    }

    @Test
    void anExplicitConnectionIsLeasedUntilItIsClosed() throws Exception {
        Object destination = client.destination(server.url("/"));
        Object promise = Jetty.make("org.eclipse.jetty.util.FuturePromise");
        Jetty.call(destination, "newConnection", promise);
        Object connection = ((Future<?>) promise).get(20, TimeUnit.SECONDS);
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        Future<?> waiting = send("/bytes/10");
        awaitPending(1);
        Jetty.call(connection, "close");
        assertThat(answer(waiting)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void connectionsAheadOfNeedStayInsideTheLimit() throws Exception {
        TestAgent.limit(2);
        Object pool = Jetty.call(client.destination(server.url("/")), "getConnectionPool");
        Future<?> created;
        try {
            created = (Future<?>) Jetty.call(pool, "preCreateConnections", 5);
        } catch (NoSuchMethodException early) {
            return; // these versions open none ahead of need
        }
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            created.get(20, TimeUnit.SECONDS);
            awaitQuiet();
            assertThat(meter.max()).isLessThanOrEqualTo(2);
            assertThat(answer(send("/bytes/10"))).startsWith("200 ");
        }
        awaitQuiet();
    }

    @Test
    void aProxysLimitHoldsForManyServers() throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(2)
                .maxConnectionsPerProxy(3)
                .build());
        try (TestProxy proxy = TestProxy.start();
                TestServer second = TestServer.start();
                Jetty proxied = new Jetty(
                        ContractClient.Setup.plain().through(new InetSocketAddress("127.0.0.1", proxy.port())), true);
                KernelMeter meter = KernelMeter.start(proxy.port())) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                all.add(Jetty.send(proxied.request(server.url("/bytes/10?" + i))));
                all.add(Jetty.send(proxied.request(second.url("/bytes/10?" + i))));
            }
            for (Future<?> one : all) {
                assertThat(answer(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(3);
        }
        awaitQuiet();
    }

    @Test
    void itsAdviceKeepsTheRules() throws IOException {
        assertThat(AdviceRules.violations(new JettyClientInstrumentation(), "org.eclipse.jetty."))
                .isEmpty();
    }

    @Test
    void everyClassBesideTheClientIsAHelper() throws URISyntaxException {
        File classes = new File(JettyClientInstrumentation.class
                .getResource("JettyClientInstrumentation.class")
                .toURI());
        List<String> names = Arrays.stream(classes.getParentFile().list())
                .filter(name -> !name.startsWith("JettyClientInstrumentation") && !name.startsWith("package-info"))
                .map(name -> "io.sluice.instrumentation.jettyclient." + name.replace(".class", ""))
                .collect(Collectors.toList());
        assertThat(new JettyClientInstrumentation().helpers()).containsExactlyInAnyOrderElementsOf(names);
    }
}
