package io.sluice.instrumentation.apachehttpclient40;

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
import org.apache.http.auth.AuthScope;
import org.apache.http.auth.UsernamePasswordCredentials;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ProxyTest {
    private static final String ALL = "io.sluice.instrumentation.apachehttpclient40.Kind#all";

    private final List<AutoCloseable> toClose = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    private <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    private static ContractClient.Setup through(TestProxy proxy) {
        return ContractClient.Setup.plain().through(new InetSocketAddress(proxy.host(), proxy.port()));
    }

    private static Snapshot figures(TestProxy proxy) {
        return TestAgent.table().snapshot(Destination.proxy(proxy.host(), proxy.port()));
    }

    private static void awaitIdle(TestProxy proxy, int idle) throws Exception {
        TestAgent.await(
                "idle at the proxy",
                () -> figures(proxy).idle() == idle
                        && figures(proxy).open() == idle
                        && figures(proxy).leased() == 0);
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void aPlainProxiedConnectionIsTheProxys(Kind kind) throws Exception {
        TestServer server = closing(TestServer.start());
        TestProxy proxy = closing(TestProxy.start());
        HttpClient40 client = closing(HttpClient40.of(kind, through(proxy)));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            awaitIdle(proxy, 1);
        }
        assertThat(proxy.acceptedConnections()).isEqualTo(1);
        assertThat(TestAgent.figures(server).open()).isZero();
        assertThat(TestAgent.figures(server).leased()).isZero();
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void aTunnelIsBoths(Kind kind) throws Exception {
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(TestProxy.start());
        ContractClient.Setup setup = through(proxy).trusting(TestTls.clientContext());
        HttpClient40 client = closing(HttpClient40.of(kind, setup));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            awaitIdle(proxy, 1);
        }
        assertThat(proxy.tunnels()).isEqualTo(1);
        assertThat(TestAgent.figures(server).open()).isEqualTo(1);
        assertThat(TestAgent.figures(server).idle()).isEqualTo(1);
    }

    @Test
    void theAnswerToConnectDoesNotBrandTheServer() throws Exception {
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(TestProxy.builder().connectHttp10().start());
        HttpClient40 client =
                closing(HttpClient40.of(Kind.THREAD_SAFE, through(proxy).trusting(TestTls.clientContext())));
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(TestAgent.figures(server).isHttp10()).isFalse();
    }

    @Test
    void aTunnelledServersOwnVersionIsLearned() throws Exception {
        TestServer server = closing(TestServer.builder().tls().http10().start());
        TestProxy proxy = closing(TestProxy.start());
        HttpClient40 client =
                closing(HttpClient40.of(Kind.THREAD_SAFE, through(proxy).trusting(TestTls.clientContext())));
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(TestAgent.figures(server).isHttp10()).isTrue();
    }

    @Test
    void aPlainProxysVersionDoesNotBrandTheServer() throws Exception {
        TestServer server = closing(TestServer.start());
        TestProxy proxy = closing(TestProxy.builder().http10().start());
        HttpClient40 client = closing(HttpClient40.of(Kind.THREAD_SAFE, through(proxy)));
        assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
        assertThat(TestAgent.figures(server).isHttp10()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aProxysChallengeIsAnsweredWithinOneLease(boolean keepAlive) throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.builder().tls().start());
        TestProxy.Builder builder = TestProxy.builder().basicAuthentication("sluice", "secret");
        TestProxy proxy = closing((keepAlive ? builder : builder.withoutKeepAlive()).start());
        HttpClient40 client =
                closing(HttpClient40.of(Kind.THREAD_SAFE, through(proxy).trusting(TestTls.clientContext())));
        client.settings
                .getCredentialsProvider()
                .setCredentials(
                        new AuthScope(proxy.host(), proxy.port()), new UsernamePasswordCredentials("sluice", "secret"));
        for (int i = 0; i < 3; i++) {
            assertThat(client.get(server.url("/bytes/5"))).isEqualTo("200 abcde");
            awaitIdle(proxy, 1);
        }
        assertThat(proxy.tunnels()).isEqualTo(1);
    }
}
