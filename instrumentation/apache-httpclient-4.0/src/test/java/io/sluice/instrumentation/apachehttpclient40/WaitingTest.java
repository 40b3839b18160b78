package io.sluice.instrumentation.apachehttpclient40;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.limiter.Limits;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.http.HttpHost;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.ClientConnectionRequest;
import org.apache.http.conn.ConnectionPoolTimeoutException;
import org.apache.http.conn.ManagedClientConnection;
import org.apache.http.conn.params.ConnManagerParams;
import org.apache.http.conn.routing.HttpRoute;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How a wait ends. */
@SuppressWarnings("deprecation") // since 4.3 this API is
class WaitingTest extends HttpClient40TestCase {
    private static final String ALL = "io.sluice.instrumentation.apachehttpclient40.Kind#all";
    private static final String POOLS = "io.sluice.instrumentation.apachehttpclient40.Kind#pools";

    @ParameterizedTest
    @MethodSource(ALL)
    void theConnectionManagerTimeoutBoundsTheWait(Kind kind) throws Exception {
        Future<String> holder = hold(another());
        HttpClient40 client = client(kind);
        ConnManagerParams.setTimeout(client.http.getParams(), 250);
        client.http.getParams().setLongParameter("http.conn-manager.timeout", 250); // its name from 4.2 on
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

    @ParameterizedTest
    @MethodSource(ALL)
    void anAbortEndsTheWait(Kind kind) throws Exception {
        Future<String> holder = hold(another());
        HttpClient40 client = client(kind);
        HttpGet get = new HttpGet(server.url("/"));
        Future<String> waiter = threads.submit(() -> client.execute(get));
        awaitPending(1);
        get.abort();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(java.io.IOException.class)
                .isNotInstanceOf(ConnectionPoolTimeoutException.class);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(server.targets()).containsExactly("/hold", "/bytes/5");
        awaitQuiet();
    }

    /** How a thread sees its wait end that it spends in the manager itself. */
    private interface Ending {
        void end(Thread waiter, ClientConnectionRequest request, ClientConnectionManager manager);
    }

    /** What a thread that waits for a manager's connection sees. */
    private String seenBy(ClientConnectionManager manager, boolean inOurQueue, Ending ending) throws Exception {
        HttpRoute route = new HttpRoute(new HttpHost("127.0.0.1", server.port()));
        ClientConnectionRequest request = manager.requestConnection(route, null);
        AtomicReference<Thread> waiting = new AtomicReference<>();
        Future<String> waiter = threads.submit(() -> {
            waiting.set(Thread.currentThread());
            try {
                ManagedClientConnection got = request.getConnection(0, TimeUnit.MILLISECONDS);
                return "got " + got;
            } catch (Exception thrown) {
                return thrown.getClass().getName() + ", interrupted: " + Thread.interrupted();
            }
        });
        TestAgent.await(
                "it waits",
                () -> inOurQueue
                        ? TestAgent.figures(server).pending() == 1
                        : waiting.get() != null && waiting.get().getState() == Thread.State.WAITING);
        ending.end(waiting.get(), request, manager);
        return waiter.get(20, TimeUnit.SECONDS);
    }

    private void endsAsWithoutTheAgent(Kind kind, Ending ending) throws Exception {
        TestAgent.limits(Limits.builder().mode(Limits.Mode.OFF).build());
        ClientConnectionManager full = kind.make(1, 1);
        HttpClient40 itsUser = on(full);
        Future<String> first = hold(itsUser);
        String without = seenBy(full, false, ending);
        server.letGo();
        first.get(20, TimeUnit.SECONDS);
        TestAgent.limit(1);
        server.holdAgain();
        server.forgetRequests();
        Future<String> holder = hold(another());
        ClientConnectionManager waitedFor = kind.make();
        on(waitedFor);
        assertThat(seenBy(waitedFor, true, ending)).isEqualTo(without);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void anAbortedRequestSeesWhatItSeesWithoutTheAgent(Kind kind) throws Exception {
        endsAsWithoutTheAgent(kind, (waiter, request, manager) -> request.abortRequest());
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void anInterruptedThreadSeesWhatItSeesWithoutTheAgent(Kind kind) throws Exception {
        endsAsWithoutTheAgent(kind, (waiter, request, manager) -> waiter.interrupt());
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void whoWaitsForAPoolThatIsShutDownSeesWhatItSeesWithoutTheAgent(Kind kind) throws Exception {
        TestAgent.limits(Limits.builder().mode(Limits.Mode.OFF).build());
        ClientConnectionManager full = kind.make(1, 1);
        Future<String> first = hold(on(full));
        String without = seenBy(full, false, (waiter, request, manager) -> manager.shutdown());
        server.letGo();
        assertThatThrownBy(() -> first.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        TestAgent.limit(1);
        server.holdAgain();
        server.forgetRequests();
        Future<String> holder = hold(another());
        assertThat(seenBy(kind.make(), true, (waiter, request, manager) -> manager.shutdown()))
                .isEqualTo(without);
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void shuttingTheManagerDownEndsItsWaits(Kind kind) throws Exception {
        Future<String> holder = hold(another());
        HttpClient40 client = client(kind);
        Future<String> waiter = threads.submit(() -> client.get(server.url("/")));
        awaitPending(1);
        client.close();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(server.targets()).containsExactly("/hold");
        awaitQuiet();
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void whoWaitsForAFullPoolIsPassedOver(Kind kind) throws Exception {
        passesOver(kind.make(1, 100));
    }

    @ParameterizedTest
    @MethodSource(POOLS)
    void whoWaitsForAPoolThatIsFullInTotalIsPassedOver(Kind kind) throws Exception {
        passesOver(kind.make(100, 1));
    }

    private void passesOver(ClientConnectionManager small) throws Exception {
        TestAgent.limit(2);
        HttpClient40 client = on(small);
        Future<String> holder = hold(client);
        Future<String> waiter = threads.submit(() -> client.get(server.url("/waiter")));
        awaitPending(1);
        assertThat(another().get(server.url("/other"))).startsWith("200 ");
        assertThat(server.targets()).containsExactly("/hold", "/other");
        server.letGo();
        assertThat(holder.get()).startsWith("200 ");
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }
}
