package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.async.MinimalHttpAsyncClient;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The lease from the connect to the end of the response, on the client's less trodden paths. */
class ExchangesTest extends ClientFixture {
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aConnectionThatTheServerClosedIsReplaced(Kind kind) throws Exception {
        TestAgent.limit(1);
        CloseableHttpAsyncClient client = client(kind);
        for (int i = 0; i < 3; i++) {
            assertThat(TestClients.get(client, server.url("/bytes/10"))).startsWith("200 ");
            server.closeIdleConnections();
            TestAgent.await("its end is seen", () -> TestAgent.figures(server).open() == 0);
        }
        awaitQuiet();
        assertThat(server.acceptedConnections()).isEqualTo(3);
    }

    @Test
    void theMinimalClientIsLimitedToo() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        MinimalHttpAsyncClient client =
                closing(HttpAsyncClients.createMinimal(TestClients.pooling(policy(Kind.STRICT), null)));
        client.start();
        List<Future<SimpleHttpResponse>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 20; i++) {
                all.add(TestClients.send(client, server.url("/hold")));
            }
            server.awaitRequests(2);
            awaitPending(18);
            TestAgent.await("the kernel counts two", () -> meter.current() == 2);
            server.letGo();
            for (Future<SimpleHttpResponse> one : all) {
                assertThat(TestClients.text(one)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitQuiet();
    }

    @Test
    void anEndpointOfTheMinimalClientHoldsItsLeaseUntilItIsReleased() throws Exception {
        TestAgent.limit(1);
        MinimalHttpAsyncClient client =
                closing(HttpAsyncClients.createMinimal(TestClients.pooling(policy(Kind.STRICT), null)));
        client.start();
        org.apache.hc.core5.http.nio.AsyncClientEndpoint endpoint = client.lease(
                        new HttpHost("http", server.host(), server.port()), null)
                .get(20, TimeUnit.SECONDS);
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        Future<SimpleHttpResponse> waiter = TestClients.send(client(Kind.STRICT), server.url("/bytes/10"));
        awaitPending(1);
        endpoint.releaseAndReuse();
        assertThat(TestClients.text(waiter)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void theNextAddressOfAHostHasTheRoomOfTheFirst() throws Exception {
        TestAgent.limit(1);
        // Nobody listens there: a server on one address of this machine does not listen on another.
        DnsResolver twoAddresses = new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) throws UnknownHostException {
                return new InetAddress[] {InetAddress.getByName("127.0.0.2"), InetAddress.getByName("127.0.0.1")};
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
        PoolingAsyncClientConnectionManager manager = TestClients.managers(policy(Kind.STRICT), null)
                .setDnsResolver(twoAddresses)
                .build();
        CloseableHttpAsyncClient client = closing(TestClients.started(TestClients.builder(manager, null)));
        String url = "http://two.example.com:" + server.port() + "/bytes/10";
        for (int i = 0; i < 3; i++) {
            assertThat(TestClients.get(client, url)).startsWith("200 ");
        }
        Destination destination = Destination.server("http", "two.example.com", server.port());
        TestAgent.await(
                "one connection is idle",
                () -> TestAgent.table().snapshot(destination).idle() == 1
                        && TestAgent.table().snapshot(destination).open() == 1
                        && TestAgent.table().snapshot(destination).leased() == 0);
        server.closeIdleConnections();
        TestAgent.await(
                "its end is seen", () -> TestAgent.table().snapshot(destination).open() == 0);
    }

    @Test
    void aFailedTunnelGivesBothLeasesBack() throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(1)
                .maxConnectionsPerProxy(1)
                .build());
        TestServer secure = closing(TestServer.builder().tls().start());
        try (TestProxy proxy = TestProxy.start()) {
            InetSocketAddress address = new InetSocketAddress(proxy.host(), proxy.port());
            CloseableHttpAsyncClient distrusting = client(Kind.STRICT, address, null);
            for (int i = 0; i < 3; i++) {
                assertThat(catchThrowable(() -> TestClients.get(distrusting, secure.url("/bytes/10"))))
                        .isNotNull();
            }
            CloseableHttpAsyncClient client = client(Kind.STRICT, address, TestTls.clientContext());
            assertThat(TestClients.get(client, secure.url("/bytes/10"))).startsWith("200 ");
            awaitQuiet(secure);
            TestAgent.await(
                    "the proxy's lease is back",
                    () -> TestAgent.table()
                                    .snapshot(Destination.proxy(proxy.host(), proxy.port()))
                                    .leased()
                            == 0);
        }
    }

    @Test
    void anEndpointThatTheProgramLosesGivesItsLeaseBackWhenSomebodyWaits() throws Exception {
        TestAgent.limit(1);
        PoolingAsyncClientConnectionManager manager = closing(TestClients.pooling(policy(Kind.STRICT), null));
        assertThat(lose(manager)).isTrue();
        Future<SimpleHttpResponse> waiter = TestClients.send(client(Kind.STRICT), server.url("/bytes/10"));
        TestAgent.await("the lost lease is back", () -> {
            System.gc();
            return waiter.isDone();
        });
        assertThat(TestClients.text(waiter)).startsWith("200 ");
        awaitQuiet();
    }

    private boolean lose(PoolingAsyncClientConnectionManager manager) throws Exception {
        HttpRoute route = new HttpRoute(new HttpHost("http", server.host(), server.port()));
        @Nullable
        AsyncConnectionEndpoint lost =
                manager.lease("a", route, null, Timeout.ofSeconds(20), null).get(20, TimeUnit.SECONDS);
        return lost != null && TestAgent.figures(server).leased() == 1;
    }
}
