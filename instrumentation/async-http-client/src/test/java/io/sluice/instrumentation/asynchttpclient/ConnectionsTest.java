package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.resolver.InetNameResolver;
import io.netty.resolver.NameResolver;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.Exchange;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Snapshot;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Response;
import org.asynchttpclient.filter.FilterContext;
import org.asynchttpclient.filter.FilterContext.FilterContextBuilder;
import org.asynchttpclient.filter.IOExceptionFilter;
import org.asynchttpclient.filter.ResponseFilter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which connections there are, and how many. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConnectionsTest extends AhcTestBase {
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void manyClientsShareTheLimit(boolean tls) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer server = closing((tls ? TestServer.builder().tls() : TestServer.builder()).start());
        List<AhcClient> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            ContractClient.Setup setup = ContractClient.Setup.plain();
            clients.add(closing(AhcClient.with(tls ? setup.trusting(TestTls.clientContext()) : setup)));
        }
        List<ListenableFuture<Response>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < (tls ? 24 : 150); i++) {
                all.add(clients.get(i % clients.size()).send(server.url("/bytes/300")));
            }
            for (ListenableFuture<Response> one : all) {
                assertThat(AhcClient.text(one)).startsWith("200 abc").hasSize(304);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        awaitQuiet(server);
    }

    @Test
    void anIdleConnectionAmongOthersIsEvicted() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(4);
        TestServer server = closing(TestServer.start());
        AhcClient first = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(first.send(server.url("/hold")));
        }
        server.awaitRequests(4);
        server.letGo();
        for (ListenableFuture<Response> one : all) {
            AhcClient.text(one);
        }
        awaitQuiet(server);
        assertThat(TestAgent.figures(server).idle()).isEqualTo(4);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            AhcClient second = client();
            for (int i = 0; i < 3; i++) {
                assertThat(second.get(server.url("/bytes/2"))).isEqualTo("200 ab");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(4);
        }
        awaitQuiet(server);
        assertThat(server.acceptedConnections()).isEqualTo(5);
    }

    @Test
    void cancellingAtAnyMomentLosesNothing() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer server = closing(TestServer.builder().delayMillis(1).start());
        AhcClient[] clients = {client(), client()};
        Random random = new Random(4);
        List<ListenableFuture<Response>> all = new ArrayList<>();
        List<AtomicBoolean> pooled = new ArrayList<>();
        int cancelled = 0;
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 600; i++) {
                AtomicBoolean isPooled = new AtomicBoolean();
                pooled.add(isPooled);
                ListenableFuture<Response> future = clients[i % 2].http.executeRequest(
                        millis(Dsl.get(server.url("/bytes/100")), "setRequestTimeout", 25_000),
                        handler("onConnectionPooled", () -> isPooled.set(true)));
                all.add(future);
                if (random.nextInt(10) < 7) {
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(3000)); // any moment will do
                    future.cancel(true);
                }
            }
            for (int i = 0; i < all.size(); i++) {
                try {
                    assertThat(AhcClient.text(all.get(i))).startsWith("200 ");
                } catch (CancellationException e) {
                    cancelled++;
                } catch (IOException e) {
                    // A late cancel of the client's closes a channel that the next call has already.
                    assertThat(e).hasMessage("Remotely closed");
                } catch (TimeoutException e) {
                    // A little later still, it first makes the channel forget the next call, which then hears of
                    // nothing.
                    assertThat(e).hasMessageStartingWith("Request timeout to ");
                    assertThat(pooled.get(i).get()).isTrue();
                }
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        assertThat(cancelled).isPositive();
        awaitQuiet(server);
        assertThat(clients[0].get(server.url("/bytes/2"))).isEqualTo("200 ab");
        assertThat(clients[1].get(server.url("/bytes/2"))).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void idleConnectionsThatTheServerClosesAreNotCounted() throws Exception {
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
            TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
            server.closeIdleConnections();
            TestAgent.await("it is closed", () -> TestAgent.figures(server).open() == 0);
        }
    }

    @Test
    void aRedirectToAnotherServerHoldsOneLeaseAtATime() throws Exception {
        TestAgent.limit(1);
        TestServer first = closing(TestServer.start());
        TestServer second = closing(TestServer.start());
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            all.add(client.send(first.url("/redirect?to=" + second.url("/bytes/2"))));
            all.add(client.send(second.url("/redirect?to=" + first.url("/bytes/2"))));
            all.add(client.send(first.url("/redirect?to=" + first.url("/chunked/2"))));
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(AhcClient.text(one)).isEqualTo("200 ab");
        }
        awaitQuiet(first);
        awaitQuiet(second);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aChallengeIsAnsweredWithoutASecondLease(boolean keepAlive) throws Exception {
        TestAgent.limit(1);
        TestServer server =
                closing((keepAlive ? TestServer.builder() : TestServer.builder().withoutKeepAlive()).start());
        AhcClient client = client();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(client.http
                    .prepareGet(server.url("/auth?bytes=2"))
                    .setRealm(Dsl.basicAuthRealm(TestServer.USER, TestServer.PASSWORD)
                            .build())
                    .execute());
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(AhcClient.text(one)).isEqualTo("200 ab");
        }
        awaitQuiet(server);
    }

    @Test
    void aRetryTakesALeaseOfItsOwn() throws Exception {
        TestAgent.limit(1);
        TestServer server =
                closing(TestServer.builder().on("gone", Exchange::hangUp).start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(
                AhcClient.config(ContractClient.Setup.plain()).setMaxRequestRetry(2))));
        assertAllFail(client, server, "/gone");
    }

    @Test
    void aFilterOfExceptionsThatReplaysTakesALeaseOfItsOwn() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(AhcClient.config(ContractClient.Setup.plain())
                .setMaxRequestRetry(2)
                .addIOExceptionFilter(new IOExceptionFilter() {
                    @Override
                    public <T> FilterContext<T> filter(FilterContext<T> context) {
                        return new FilterContextBuilder<T>(context)
                                .replayRequest(true)
                                .build();
                    }
                }))));
        assertAllFail(client, server, "/reset");
    }

    /** After three attempts each. */
    private static void assertAllFail(AhcClient client, TestServer server, String path) throws Exception {
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(client.send(server.url(path)));
        }
        for (ListenableFuture<Response> one : all) {
            failure(one);
        }
        assertThat(server.requests()).hasSize(9);
        assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
        awaitQuiet(server);
    }

    @Test
    void aFilterThatReplaysTakesALeaseOfItsOwn() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(AhcClient.config(ContractClient.Setup.plain())
                .setMaxRequestRetry(2)
                .addResponseFilter(new ResponseFilter() {
                    @Override
                    public <T> FilterContext<T> filter(FilterContext<T> context) {
                        if (context.getResponseStatus().getStatusCode() != 503) {
                            return context;
                        }
                        return new FilterContextBuilder<T>(context)
                                .request(Dsl.get(server.url("/bytes/2")).build())
                                .replayRequest(true)
                                .build();
                    }
                }))));
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(client.send(server.url("/status/503")));
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(AhcClient.text(one)).isEqualTo("200 ab");
        }
        awaitQuiet(server);
    }

    @Test
    @SuppressWarnings({"unchecked", "rawtypes"}) // an enum by its name
    void callsThatTakeAddressesInTurnAreLimitedToo() throws Exception {
        TestAgent.limit(1);
        DefaultAsyncHttpClientConfig.Builder config = AhcClient.config(ContractClient.Setup.plain());
        Class<?> loadBalance;
        try {
            loadBalance = Class.forName("org.asynchttpclient.LoadBalance");
        } catch (ClassNotFoundException older) {
            loadBalance = null;
        }
        assumeTrue(loadBalance != null, "since 3.0.8 or so");
        set(config, "setLoadBalance", loadBalance, Enum.valueOf((Class) loadBalance, "ROUND_ROBIN"));
        TestServer server = closing(TestServer.start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(config)));
        NameResolver<InetAddress> twoAddresses = new TwoAddresses();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(client.http
                    .prepareGet("http://two.test:" + server.port() + "/bytes/2")
                    .setNameResolver(twoAddresses)
                    .execute());
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(AhcClient.text(one)).isEqualTo("200 ab");
        }
        TestAgent.await("everything is quiet", () -> {
            Snapshot figures = TestAgent.table().snapshot(Destination.server("http", "two.test", server.port()));
            return figures.leased() == 0 && figures.open() == 1 && figures.idle() == 1;
        });
    }

    @Test
    void anHttp10ServerHasItsOwnLimit() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestServer server = closing(TestServer.builder().http10().start());
        AhcClient client = client();
        assertThat(client.get(server.url("/bytes/2"))).isEqualTo("200 ab");
        assertThat(TestAgent.figures(server).isHttp10()).isTrue();
        awaitQuiet(server);
        assertThat(TestAgent.figures(server).idle()).isZero();
        List<ListenableFuture<Response>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 6; i++) {
                all.add(client.send(server.url("/hold")));
            }
            TestAgent.await("four are held", () -> server.held() == 4);
            awaitPending(server, 2);
            assertThat(meter.current()).isEqualTo(4);
            server.letGo();
            for (ListenableFuture<Response> one : all) {
                assertThat(AhcClient.text(one)).isEqualTo("200 ok");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(4);
        }
        awaitQuiet(server);
    }

    /** The second refuses, since nobody listens there. */
    private static final class TwoAddresses extends InetNameResolver {
        TwoAddresses() {
            super(ImmediateEventExecutor.INSTANCE);
        }

        @Override
        protected void doResolve(String host, Promise<InetAddress> promise) throws Exception {
            promise.setSuccess(InetAddress.getByAddress(host, new byte[] {127, 0, 0, 1}));
        }

        @Override
        protected void doResolveAll(String host, Promise<List<InetAddress>> promise) throws Exception {
            promise.setSuccess(Arrays.asList(
                    InetAddress.getByAddress(host, new byte[] {127, 0, 0, 1}),
                    InetAddress.getByAddress(host, new byte[] {127, 0, 0, 9})));
        }
    }
}
