package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Snapshot;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Request;
import org.asynchttpclient.Response;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 works as without the agent, and its connection is counted once. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test extends AhcTestBase {
    private final CountDownLatch gate = new CountDownLatch(1);
    private final AtomicInteger inside = new AtomicInteger();

    @BeforeEach
    void onlyWhereTheClientSpeaksIt() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        try {
            ChannelManager.class.getMethod("pollHttp2Connection", Object.class);
        } catch (NoSuchMethodException version2) {
            assumeTrue(false, "this version speaks HTTP/1.1 alone");
        }
    }

    @AfterEach
    void letGo() {
        gate.countDown();
    }

    private AhcClient client(boolean tls) throws Exception {
        ContractClient.Setup setup = ContractClient.Setup.plain();
        DefaultAsyncHttpClientConfig.Builder config = AhcClient.config(setup);
        if (tls) {
            config = Http2Tls.offering(config, TestTls.clientContext());
        } else {
            assertThat(set(config, "setHttp2CleartextEnabled", boolean.class, true))
                    .isTrue();
        }
        return closing(new AhcClient(Dsl.asyncHttpClient(config)));
    }

    private Http2TestServer server(boolean tls, HttpHandler handler) {
        return closing(tls ? Http2TestServer.overTls(100, handler) : Http2TestServer.inClearText(handler));
    }

    private void hold() throws Exception {
        inside.incrementAndGet();
        gate.await(30, TimeUnit.SECONDS);
    }

    private static Snapshot figures(Http2TestServer server) {
        String scheme = server.url("/").startsWith("https") ? "https" : "http";
        return TestAgent.table().snapshot(Destination.server(scheme, "127.0.0.1", server.port()));
    }

    private static void allAnswered(List<ListenableFuture<Response>> exchanges) throws Exception {
        for (ListenableFuture<Response> one : exchanges) {
            assertThat(AhcClient.text(one)).startsWith("200 ");
        }
    }

    private static void awaitIdle(Http2TestServer server) throws Exception {
        TestAgent.await("nothing is leased", () -> figures(server).leased() == 0);
        TestAgent.await("nobody waits", () -> figures(server).pending() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> figures(server).open() == figures(server).idle());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void fortyStreamsShareTheOneConnection(boolean tls) throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = server(tls, exchange -> hold());
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            AhcClient client = client(tls);
            List<ListenableFuture<Response>> exchanges = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                exchanges.add(client.send(server.url("/" + i)));
            }
            TestAgent.await("all are held at once", () -> inside.get() == 40);
            assertThat(meter.current()).isEqualTo(1);
            assertThat(figures(server).leased()).isEqualTo(1);
            assertThat(ParkedThreads.inTheAgent()).isEmpty();
            exchanges.add(client.send(server.url("/late")));
            TestAgent.await("so is a late one", () -> inside.get() == 41);
            gate.countDown();
            allAnswered(exchanges);
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        awaitIdle(server);
        assertThat(figures(server).idle()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBurstOfFirstRequestsKeepsToTheLimit(boolean tls) throws Exception {
        TestAgent.limit(2);
        Http2TestServer server = server(tls, exchange -> {});
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int round = 0; round < 5; round++) {
                AhcClient client = client(tls);
                List<ListenableFuture<Response>> exchanges = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    exchanges.add(client.send(server.url("/" + i)));
                }
                allAnswered(exchanges);
                awaitIdle(server);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
    }

    /** The lease of the second, which it was about to wait for, is given up for it before it has begun to. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anExchangeGoesAlongOnAConnectionThatComesAsItBeginsToWait(boolean tls) throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = server(tls, exchange -> {});
        AhcClient client = client(tls);
        OpeningTest.SlowResolver resolver = new OpeningTest.SlowResolver();
        ListenableFuture<Response> first = client.http
                .prepareGet(server.url("/first"))
                .setNameResolver(resolver)
                .execute();
        TestAgent.await("the host is looked up", () -> resolver.asked != null);
        Request second = Dsl.get(server.url("/second")).build();
        AtomicBoolean isAsked = new AtomicBoolean();
        Object whatTakesTime = Proxy.newProxyInstance(
                Request.class.getClassLoader(), new Class<?>[] {Request.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("getRequestTimeout") && !isAsked.getAndSet(true)) {
                        assertThat(figures(server).pending()).isEqualTo(1);
                        resolver.answer();
                        assertThat(AhcClient.text(first)).startsWith("200 ");
                    }
                    return method.invoke(second, arguments);
                });
        assertThat(AhcClient.text(client.http.executeRequest((Request) whatTakesTime)))
                .startsWith("200 ");
        assertThat(isAsked).isTrue();
        awaitIdle(server);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anIdleConnectionMakesRoomForAnotherClient(boolean tls) throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = server(tls, exchange -> {});
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            AhcClient first = client(tls);
            AhcClient second = client(tls);
            for (int i = 0; i < 10; i++) {
                assertThat(first.get(server.url("/a"))).startsWith("200 ");
                assertThat(second.get(server.url("/b"))).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        awaitIdle(server);
    }

    @Test
    void evictionNeverFailsAnExchange() throws Exception {
        TestAgent.limit(2);
        Http2TestServer server = server(true, exchange -> {});
        AhcClient[] clients = {client(true), client(true), client(true), client(true)};
        for (int round = 0; round < 20; round++) {
            List<ListenableFuture<Response>> exchanges = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                exchanges.add(clients[i % 4].send(server.url("/" + i)));
            }
            allAnswered(exchanges);
        }
        awaitIdle(server);
    }

    /**
     * Where a redirected exchange waits, it no longer has the connection from which it comes. The client itself, as of
     * 3.0.13, takes the end of the first stream for the end of the exchange and fails many of them.
     */
    @Test
    void redirectsBetweenTwoServersEnd() throws Exception {
        TestAgent.limit(1);
        String[] urls = new String[2];
        Http2TestServer first = server(true, exchange -> redirect(exchange, urls[1]));
        Http2TestServer second = server(true, exchange -> redirect(exchange, urls[0]));
        urls[0] = first.url("/end");
        urls[1] = second.url("/end");
        AhcClient one = client(true);
        AhcClient other = client(true);
        List<ListenableFuture<Response>> exchanges = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            exchanges.add(one.send(first.url("/start")));
            exchanges.add(other.send(second.url("/start")));
        }
        for (ListenableFuture<Response> each : exchanges) {
            try {
                assertThat(AhcClient.text(each)).startsWith("200 ");
            } catch (IOException e) {
                assertThat(e).hasMessage("HTTP/2 stream channel closed unexpectedly");
            }
        }
        awaitIdle(first);
        awaitIdle(second);
    }

    /** With a body: a redirect that ends with its head ends the client's exchange. */
    private static void redirect(HttpServerExchange exchange, String to) throws IOException {
        if (exchange.getRequestPath().equals("/start")) {
            exchange.setStatusCode(302).getResponseHeaders().put(Headers.LOCATION, to);
            exchange.getOutputStream().write(new byte[10]);
        }
    }

    @Test
    void aGoodbyeLosesNothing() throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = server(true, exchange -> {});
        AhcClient client = client(true);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 5; i++) {
                assertThat(client.get(server.url("/"))).startsWith("200 ");
                server.goAway();
                TestAgent.await("it is closed", () -> figures(server).open() == 0);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        awaitIdle(server);
    }

    @Test
    void cancellingAtAnyMomentLosesNothing() throws Exception {
        TestAgent.limit(1);
        Http2TestServer server = server(true, exchange -> {});
        AhcClient[] clients = {client(true), client(true)};
        Random random = new Random(4);
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            ListenableFuture<Response> future = clients[i / 10 % 2].send(server.url("/"));
            all.add(future);
            if (random.nextInt(10) < 5) {
                TimeUnit.MICROSECONDS.sleep(random.nextInt(3000)); // any moment will do
                future.cancel(true);
            }
        }
        for (ListenableFuture<Response> one : all) {
            try {
                assertThat(AhcClient.text(one)).startsWith("200 ");
            } catch (CancellationException | IOException e) {
                // The client closes the connection if it has not opened the cancelled call's stream yet.
                continue;
            }
        }
        awaitIdle(server);
        assertThat(clients[0].get(server.url("/"))).startsWith("200 ");
        awaitIdle(server);
    }

    @Test
    void theClientsOwnLimitSharesWhatThereIs() throws Exception {
        TestAgent.limit(3);
        Http2TestServer server = server(true, exchange -> hold());
        DefaultAsyncHttpClientConfig.Builder config =
                Http2Tls.offering(AhcClient.config(ContractClient.Setup.plain()), TestTls.clientContext());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(config.setMaxConnectionsPerHost(1))));
        List<ListenableFuture<Response>> exchanges = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            exchanges.add(client.send(server.url("/" + i)));
        }
        TestAgent.await("all are held at once", () -> inside.get() == 10);
        assertThat(figures(server).open()).isEqualTo(1);
        gate.countDown();
        allAnswered(exchanges);
        awaitIdle(server);
    }
}
