package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Response;
import org.asynchttpclient.proxy.ProxyServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ProxyTest extends AhcTestBase {
    private static ContractClient.Setup through(TestProxy proxy) {
        return ContractClient.Setup.plain().through(new InetSocketAddress(proxy.host(), proxy.port()));
    }

    private static ContractClient.Setup tunnelled(TestProxy proxy) {
        return through(proxy).trusting(TestTls.clientContext());
    }

    private static Snapshot figures(TestProxy proxy) {
        return TestAgent.table().snapshot(Destination.proxy(proxy.host(), proxy.port()));
    }

    private static void awaitOneIdle(TestProxy proxy) throws Exception {
        TestAgent.await(
                "one idle at the proxy",
                () -> figures(proxy).idle() == 1
                        && figures(proxy).open() == 1
                        && figures(proxy).leased() == 0);
    }

    @Test
    void aPlainProxiedConnectionIsTheProxys() throws Exception {
        TestServer server = closing(TestServer.start());
        TestProxy proxy = closing(TestProxy.start());
        AhcClient client = closing(AhcClient.with(through(proxy)));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            awaitOneIdle(proxy);
        }
        assertThat(proxy.acceptedConnections()).isEqualTo(1);
        assertThat(TestAgent.figures(server).open()).isZero();
        TestAgent.await(
                "the lease is back, too", () -> TestAgent.figures(server).leased() == 0);
    }

    @Test
    void aTunnelIsBoths() throws Exception {
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(TestProxy.start());
        AhcClient client = closing(AhcClient.with(tunnelled(proxy)));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            awaitOneIdle(proxy);
        }
        assertThat(proxy.tunnels()).isEqualTo(1);
        assertThat(TestAgent.figures(server).open()).isEqualTo(1);
        assertThat(TestAgent.figures(server).idle()).isEqualTo(1);
    }

    @Test
    void aPlainProxysVersionDoesNotBrandTheServer() throws Exception {
        TestServer server = closing(TestServer.start());
        TestProxy proxy = closing(TestProxy.builder().http10().start());
        AhcClient client = closing(AhcClient.with(through(proxy)));
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(TestAgent.figures(server).isHttp10()).isFalse();
    }

    @Test
    void aTunnelledServersOwnVersionIsLearned() throws Exception {
        TestServer server = closing(TestServer.builder().tls().http10().start());
        TestProxy proxy = closing(TestProxy.start());
        AhcClient client = closing(AhcClient.with(tunnelled(proxy)));
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(TestAgent.figures(server).isHttp10()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aProxysChallengeIsAnsweredWithoutASecondLease(boolean keepAlive) throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(1)
                .maxConnectionsPerProxy(1)
                .build());
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy.Builder builder = TestProxy.builder().basicAuthentication("sluice", "secret");
        TestProxy proxy = closing((keepAlive ? builder : builder.withoutKeepAlive()).start());
        AhcClient client = closing(new AhcClient(Dsl.asyncHttpClient(AhcClient.config(tunnelled(proxy))
                .setProxyServer(new ProxyServer.Builder(proxy.host(), proxy.port())
                        .setRealm(Dsl.basicAuthRealm("sluice", "secret").build())))));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            awaitOneIdle(proxy);
        }
        assertThat(proxy.tunnels()).isEqualTo(1);
    }

    @Test
    void aTunnelThatIsRefusedGivesItsLeaseBack() throws Exception {
        TestAgent.limits(Limits.builder().maxConnectionsPerProxy(1).build());
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(
                TestProxy.builder().basicAuthentication("sluice", "secret").start());
        AhcClient client = closing(AhcClient.with(tunnelled(proxy)));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).startsWith("407 ");
        }
        TestAgent.await(
                "the proxy is free",
                () -> figures(proxy).leased() == 0
                        && figures(proxy).open() == figures(proxy).idle());
        awaitQuiet(server);
    }

    /** A call that waits has a request of CONNECT before it has a tunnel. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callsThatWaitedFindTheTunnelOrMakeOne(boolean tls) throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(1)
                .maxConnectionsPerProxy(1)
                .build());
        TestServer server = closing((tls ? TestServer.builder().tls() : TestServer.builder()).start());
        TestServer another = closing((tls ? TestServer.builder().tls() : TestServer.builder()).start());
        TestProxy proxy = closing(TestProxy.start());
        AhcClient client = closing(AhcClient.with(tls ? tunnelled(proxy) : through(proxy)));
        List<ListenableFuture<Response>> all = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            all.add(client.send((i % 4 < 2 ? server : another).url("/bytes/5")));
        }
        for (ListenableFuture<Response> one : all) {
            assertThat(AhcClient.text(one)).isEqualTo("200 abcde");
        }
        awaitOneIdle(proxy);
        awaitQuiet(server);
        awaitQuiet(another);
    }
}
