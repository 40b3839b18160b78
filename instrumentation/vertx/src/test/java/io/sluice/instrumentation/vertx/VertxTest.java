package io.sluice.instrumentation.vertx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.bridge.ConnectionGate;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is particular to the client of Vert.x over HTTP/1.1. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VertxTest {
    private final Vertx vertx = Vertx.vertx();
    /** Since 5 a client that the program has lost is closed. */
    private final List<VertxClient> clients = new ArrayList<>();

    private final TestServer server = TestServer.start();

    @AfterEach
    void close() throws Exception {
        server.close();
        VertxClient.await(vertx.close());
        TestAgent.limits(Limits.defaults());
    }

    private VertxClient client(HttpClientOptions options, PoolSizes sizes) {
        VertxClient client = new VertxClient(vertx, options, sizes);
        clients.add(client);
        return client;
    }

    private VertxClient client() {
        return client(new HttpClientOptions(), new PoolSizes().setHttp1MaxSize(50));
    }

    private Snapshot figures() {
        return TestAgent.figures(server);
    }

    private void awaitQuiet() throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> figures().leased() == 0 && figures().pending() == 0);
        TestAgent.await(
                "what is open is idle", () -> figures().open() == figures().idle());
    }

    private static void all(List<Future<String>> exchanges) throws Exception {
        for (Future<String> one : exchanges) {
            assertThat(VertxClient.await(one)).startsWith("200 ");
        }
    }

    private RequestOptions request(String path) {
        return new RequestOptions().setAbsoluteURI(server.url(path));
    }

    /** With a time limit of one kind; before 4.4 there was one for all of them. */
    private RequestOptions limited(String path, String kind, long millis) throws Exception {
        RequestOptions options = request(path);
        Method setter;
        try {
            setter = RequestOptions.class.getMethod(kind, long.class);
        } catch (NoSuchMethodException before44) {
            setter = RequestOptions.class.getMethod("setTimeout", long.class);
        }
        setter.invoke(options, millis);
        return options;
    }

    @Test
    void aHundredCallsOfOneThreadParkNobody() throws Exception {
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            VertxClient client = client();
            List<Future<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                exchanges.add(client.getLater(server.url("/hold")));
            }
            server.awaitRequests(2);
            TestAgent.await("the others wait", () -> figures().pending() == 98);
            TestAgent.await("the kernel sees two", () -> meter.current() == 2);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            server.letGo();
            all(exchanges);
            awaitQuiet();
            assertThat(meter.max()).isEqualTo(2);
            assertThat(server.acceptedConnections()).isEqualTo(2);
        }
    }

    @Test
    void callsOfEventLoopsAndWorkersGoThrough() throws Exception {
        VertxClient client = client();
        List<Future<String>> exchanges = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            String url = server.url("/bytes/" + (i + 1));
            io.vertx.core.Promise<String> promise = io.vertx.core.Promise.promise();
            exchanges.add(promise.future());
            vertx.runOnContext(unused -> client.getLater(url).onComplete(done -> {
                if (done.succeeded()) {
                    promise.complete(done.result());
                } else {
                    promise.fail(done.cause());
                }
            }));
        }
        all(exchanges);
        awaitQuiet();
    }

    @Test
    void theClientsTimeoutForAConnectionEndsTheWait() throws Exception {
        TestAgent.limit(1);
        VertxClient client = client();
        Future<String> holder = client.getLater(server.url("/hold"));
        server.awaitRequests(1);
        Future<String> waiter = client.get(limited("/bytes/10", "setConnectTimeout", 200));
        assertThatThrownBy(() -> VertxClient.await(waiter))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("limit=1");
        assertThat(figures().pending()).isZero();
        server.letGo();
        assertThat(VertxClient.await(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void aTimeoutThatIsLongEnoughChangesNothing() throws Exception {
        TestAgent.limit(1);
        VertxClient client = client();
        Future<String> holder = client.getLater(server.url("/hold"));
        server.awaitRequests(1);
        Future<String> waiter = client.get(limited("/bytes/10", "setConnectTimeout", 20_000));
        TestAgent.await("it waits", () -> figures().pending() == 1);
        server.letGo();
        assertThat(VertxClient.await(waiter)).startsWith("200 ");
        assertThat(VertxClient.await(holder)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void anIdleTimeoutGivesTheLeaseBack() throws Exception {
        VertxClient client = client();
        assertThatThrownBy(() -> VertxClient.await(client.get(limited("/never", "setIdleTimeout", 100))))
                .isInstanceOf(TimeoutException.class);
        awaitQuiet();
    }

    @Test
    void aRequestThatIsResetGivesItsLeaseBack() throws Throwable {
        TestAgent.limit(1);
        VertxClient client = client();
        HttpClientRequest made = VertxClient.await(client.client().request(request("/never")));
        Future<HttpClientResponse> response = made.send();
        server.awaitRequests(1);
        Reflect.call(made, "reset");
        assertThatThrownBy(() -> VertxClient.await(response)).isInstanceOf(Exception.class);
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void aRequestThatIsNeverSentKeepsItsLeaseUntilItIsReset() throws Throwable {
        TestAgent.limit(1);
        VertxClient client = client();
        HttpClientRequest made = VertxClient.await(client.client().request(request("/bytes/10")));
        assertThat(figures().leased()).isEqualTo(1);
        Reflect.call(made, "reset");
        assertThat(client.get(server.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void aFullPoolHoardsNoLeases() throws Exception {
        VertxClient small = client(new HttpClientOptions(), new PoolSizes().setHttp1MaxSize(1));
        List<Future<String>> held = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            held.add(small.getLater(server.url("/hold")));
        }
        // Its request is known to the server a moment before it is held.
        TestAgent.await("one is held", () -> server.held() == 1);
        assertThat(client().get(server.url("/bytes/10"))).startsWith("200 ");
        assertThat(server.held()).isEqualTo(1);
        server.letGo();
        all(held);
        awaitQuiet();
    }

    @Test
    void thePoolsLongestQueueIsRespected() throws Exception {
        TestAgent.limit(1);
        VertxClient client = client(
                new HttpClientOptions(), new PoolSizes().setHttp1MaxSize(2).setMaxWaitQueueSize(1));
        List<Future<String>> held = new ArrayList<>();
        held.add(client.getLater(server.url("/hold")));
        server.awaitRequests(1);
        for (int i = 0; i < 2; i++) { // one would connect without us, and one wait
            held.add(client.getLater(server.url("/hold")));
        }
        assertThatThrownBy(() -> client.get(server.url("/hold"))).isInstanceOf(ConnectionPoolTooBusyException.class);
        server.letGo();
        all(held);
        awaitQuiet();
    }

    @Test
    void closingTheClientEndsTheWaitOfItsCalls() throws Exception {
        TestAgent.limit(1);
        Future<String> holder = client().getLater(server.url("/hold"));
        server.awaitRequests(1);
        VertxClient closed = client();
        List<Future<String>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(closed.getLater(server.url("/bytes/10")));
        }
        TestAgent.await("they wait", () -> figures().pending() == 3);
        closed.close();
        for (Future<String> one : waiting) {
            assertThatThrownBy(() -> VertxClient.await(one)).isInstanceOf(Exception.class);
        }
        assertThat(figures().pending()).isZero();
        server.letGo();
        assertThat(VertxClient.await(holder)).startsWith("200 ");
        awaitQuiet();
    }

    /** Up to 4.0 a pool does not say who gets which connection: there whoever waits joins no pipeline. */
    private static boolean whoWaitsJoinsAPipeline() {
        try {
            Class.forName("io.vertx.core.net.impl.clientconnection.Pool");
            return false;
        } catch (ClassNotFoundException since41) {
            return true;
        }
    }

    @Test
    void pipelinedRequestsAreOneLeasedConnection() throws Exception {
        assumeTrue(whoWaitsJoinsAPipeline());
        TestAgent.limit(1);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            VertxClient client = client(
                    new HttpClientOptions().setPipelining(true).setPipeliningLimit(10),
                    new PoolSizes().setHttp1MaxSize(5));
            List<Future<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                exchanges.add(client.getLater(server.url("/hold")));
            }
            server.awaitRequests(1);
            TestAgent.await("all are on the way", () -> figures().pending() == 0);
            assertThat(figures().leased()).isEqualTo(1);
            TestAgent.await("the kernel sees it", () -> meter.current() == 1);
            server.letGo();
            all(exchanges);
            awaitQuiet();
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @Test
    void pipeliningClientsShareALimit() throws Exception {
        TestAgent.limit(1);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                VertxClient client = client(
                        new HttpClientOptions().setPipelining(true).setPipeliningLimit(4),
                        new PoolSizes().setHttp1MaxSize(5));
                for (int j = 0; j < 20; j++) {
                    exchanges.add(client.getLater(server.url("/bytes/100")));
                }
            }
            all(exchanges);
            awaitQuiet();
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void aTunnelOfTheProgramsOwnKeepsItsLease() throws Exception {
        TestAgent.limit(1);
        try (TestProxy proxy = TestProxy.start()) {
            VertxClient client = client();
            RequestOptions connect = new RequestOptions()
                    .setMethod(HttpMethod.CONNECT)
                    .setHost(proxy.host())
                    .setPort(proxy.port())
                    .setURI(server.host() + ":" + server.port());
            HttpClientResponse response =
                    VertxClient.await(client.client().request(connect).compose(HttpClientRequest::connect));
            assertThat(response.statusCode()).isEqualTo(200);
            io.sluice.limiter.Destination destination =
                    io.sluice.limiter.Destination.server("http", proxy.host(), proxy.port());
            assertThat(TestAgent.table().snapshot(destination).leased()).isEqualTo(1);
            VertxClient.await(response.netSocket().close());
            TestAgent.await(
                    "it is gone",
                    () -> TestAgent.table().snapshot(destination).open() == 0
                            && TestAgent.table().snapshot(destination).leased() == 0);
        }
    }

    @Test
    void connectionsThatAreResetOnCloseAreCountedUntilTheyAreClosed() throws Exception {
        TestAgent.limit(1);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            HttpClientOptions options = new HttpClientOptions();
            options.setSoLinger(0);
            VertxClient first = client(options, new PoolSizes());
            VertxClient second = client(options, new PoolSizes());
            List<Future<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                exchanges.add((i % 2 == 0 ? first : second).getLater(server.url("/bytes/10")));
            }
            all(exchanges);
            awaitQuiet();
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    /** On an event loop, while whoever makes the call is still on its way to return the future. */
    @Test
    void aConnectThatWaitedForRoomMayEndBeforeItsFutureIsReturned() throws Throwable {
        TestAgent.limit(1);
        Ask ask = Ask.direct("test", Destination.server("http", "deferred.test", 80));
        Lease former = ConnectionGate.acquire(ask, 0);
        Connection inTheWay = ConnectionGate.open(former, false);
        former.release();
        Lease lease = ConnectionGate.acquire(ask, 0);
        Deferred opening = new Deferred(vertx.getOrCreateContext());
        assertThat(opening.begin(lease)).isEqualTo(Opening.Answer.WAIT);
        inTheWay.closed();
        opening.told.await();
        Future<?> future = (Future<?>) opening.future();
        assertThat(future).isNotNull();
        assertThat(VertxClient.<Object>await(future.map(result -> result))).isEqualTo("connected");
    }

    /** Connects at once. */
    private static final class Connector {
        Future<Object> connect(Object context) {
            return Future.succeededFuture("connected");
        }
    }

    private static final class Deferred extends Opening {
        final CountDownLatch told = new CountDownLatch(1);

        Deferred(Object context) {
            super(new Connector(), "connect", new Object[] {context}, context, null, true);
        }

        @Override
        void opened(Connection counted, AsyncResult<Object> result) {
            counted.closed();
        }

        @Override
        void told() {
            told.countDown();
        }
    }

    @Test
    void aClosedVertxLeavesNobodyBehind() throws Exception {
        TestAgent.limit(1);
        Vertx other = Vertx.vertx();
        VertxClient client = new VertxClient(other, new HttpClientOptions(), new PoolSizes().setHttp1MaxSize(5));
        client.getLater(server.url("/hold"));
        server.awaitRequests(1);
        client.getLater(server.url("/hold"));
        TestAgent.await("it waits", () -> figures().pending() == 1);
        VertxClient.await(other.close());
        awaitQuiet();
        server.letGo();
        assertThat(client().get(server.url("/bytes/10"))).startsWith("200 ");
    }
}
