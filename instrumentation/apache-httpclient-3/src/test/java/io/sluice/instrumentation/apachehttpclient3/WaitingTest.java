package io.sluice.instrumentation.apachehttpclient3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.limiter.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.commons.httpclient.ConnectionPoolTimeoutException;
import org.apache.commons.httpclient.HttpConnection;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.apache.commons.httpclient.MultiThreadedHttpConnectionManager;
import org.apache.commons.httpclient.methods.GetMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How a wait ends. */
class WaitingTest extends HttpClient3TestCase {
    @ParameterizedTest
    @MethodSource("managers")
    void theConnectionManagerTimeoutBoundsTheWait(Supplier<HttpConnectionManager> manager) throws Exception {
        Future<String> holder = hold(on(HttpClient3.pool()));
        HttpClient3 client = on(manager.get());
        client.http.getParams().setConnectionManagerTimeout(250);
        long startNanos = System.nanoTime();
        assertThatThrownBy(() -> client.get(server.url("/")))
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

    /** What an interrupt of a thread that waits in the client leads to: what it throws, or what it returns. */
    private String interruptAWaiter(HttpClient3 client, boolean inOurQueue) throws Exception {
        server.forgetRequests();
        server.holdAgain();
        Future<String> holder = hold(client);
        AtomicReference<Thread> waiting = new AtomicReference<>();
        Future<String> waiter = threads.submit(() -> {
            waiting.set(Thread.currentThread());
            try {
                return client.get(server.url("/"));
            } catch (RuntimeException thrown) {
                return thrown.getClass().getName() + ", interrupted: " + Thread.interrupted();
            }
        });
        TestAgent.await(
                "it waits",
                () -> inOurQueue
                        ? TestAgent.figures(server).pending() == 1
                        : waiting.get() != null && waiting.get().getState() == Thread.State.WAITING);
        waiting.get().interrupt();
        if (!Version.INTERRUPTIBLE) {
            TestAgent.await("it waits on", () -> waiting.get().getState() == Thread.State.WAITING);
            assertThat(waiter.isDone()).isFalse();
            server.letGo();
        }
        String seen = waiter.get(20, TimeUnit.SECONDS);
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        return seen;
    }

    @Test
    void anInterruptDoesWhatItDoesWithoutTheAgent() throws Exception {
        MultiThreadedHttpConnectionManager pool = HttpClient3.pool();
        pool.getParams().setDefaultMaxConnectionsPerHost(1);
        TestAgent.limits(Limits.builder().mode(Limits.Mode.OFF).build());
        String without = interruptAWaiter(on(pool), false);
        TestAgent.limit(1);
        assertThat(interruptAWaiter(on(HttpClient3.pool()), true)).isEqualTo(without);
        awaitQuiet();
    }

    @Test
    void shuttingThePoolDownEndsItsWaits() throws Exception {
        Future<String> holder = hold(on(HttpClient3.pool()));
        MultiThreadedHttpConnectionManager pool = HttpClient3.pool();
        HttpClient3 client = on(pool);
        Future<String> waiter = threads.submit(() -> client.get(server.url("/")));
        awaitPending(1);
        pool.shutdown();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Connection factory has been shutdown.");
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void shuttingAllPoolsDownEndsEveryWait() throws Exception {
        HttpClient3 careless = on(HttpClient3.pool());
        careless.start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
        HttpClient3 client = on(HttpClient3.pool());
        Future<String> waiter = threads.submit(() -> client.get(server.url("/")));
        awaitPending(1);
        MultiThreadedHttpConnectionManager.shutdownAll();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(IllegalStateException.class);
        assertThat(on(HttpClient3.pool()).get(server.url("/"))).startsWith("200 ");
        awaitQuiet();
    }

    /** The client's own locks: one for all pools, held all the time, and one in each pool, taken first by who connects. */
    @Test
    void shuttingAllPoolsDownLetsNobodyIntoAPoolMeanwhile() throws Exception {
        List<Future<String>> waiters = new ArrayList<>();
        HttpClient3 careless = on(HttpClient3.pool());
        careless.start(server.url("/bytes/1000000"), new GetMethod("/bytes/1000000"));
        for (int i = 0; i < 20; i++) {
            HttpClient3 client = on(HttpClient3.pool());
            waiters.add(threads.submit(() -> client.get(server.url("/"))));
        }
        awaitPending(20);
        Future<?> all = threads.submit(MultiThreadedHttpConnectionManager::shutdownAll);
        all.get(20, TimeUnit.SECONDS);
        for (Future<String> waiter : waiters) {
            assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(IllegalStateException.class);
        }
        awaitQuiet();
    }

    @Test
    void anAbortDoesNotHarmWhoWaits() throws Exception {
        Future<String> holder = hold(on(HttpClient3.pool()));
        HttpClient3 client = on(HttpClient3.pool());
        GetMethod get = new GetMethod("/");
        Future<String> waiter = threads.submit(() -> client.execute(server.url("/"), get));
        awaitPending(1);
        get.abort();
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("abort"); // whatever the client itself makes of it once it has its connection
        awaitQuiet();
    }

    @Test
    void whoWaitsForAFullPoolIsPassedOver() throws Exception {
        TestAgent.limit(2);
        MultiThreadedHttpConnectionManager small = HttpClient3.pool();
        small.getParams().setDefaultMaxConnectionsPerHost(1);
        passesOver(on(small));
    }

    @Test
    void whoWaitsForAPoolThatIsFullInTotalIsPassedOver() throws Exception {
        TestAgent.limit(2);
        MultiThreadedHttpConnectionManager small = HttpClient3.pool();
        small.getParams().setMaxTotalConnections(1);
        passesOver(on(small));
    }

    private void passesOver(HttpClient3 client) throws Exception {
        Future<String> holder = hold(client);
        Future<String> waiter = threads.submit(() -> client.get(server.url("/waiter")));
        awaitPending(1);
        assertThat(on(HttpClient3.pool()).get(server.url("/other"))).startsWith("200 ");
        assertThat(server.targets()).containsExactly("/hold", "/other");
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    /** {@code getConnection(HostConfiguration)} catches a timeout and asks again at once, over and over. */
    @Test
    void theMethodWithoutATimeoutDoesNotSpin() throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(1)
                .waitTimeoutNanos(TimeUnit.MILLISECONDS.toNanos(100))
                .build());
        Future<String> holder = hold(on(HttpClient3.pool()));
        HttpClient3 client = on(HttpClient3.pool());
        HttpConnectionManager manager = client.http.getHttpConnectionManager();
        assertThatThrownBy(() -> untimed(manager, client))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("timed out after");
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        HttpConnection connection = untimed(manager, client);
        connection.releaseConnection();
        awaitQuiet();
    }

    @SuppressWarnings("deprecation") // old programs use it
    private HttpConnection untimed(HttpConnectionManager manager, HttpClient3 client) {
        return manager.getConnection(client.host(server.url("/")));
    }
}
