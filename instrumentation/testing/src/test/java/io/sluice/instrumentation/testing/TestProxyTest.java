package io.sluice.instrumentation.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.Socket;
import java.net.URL;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TestProxyTest {
    @Test
    void passesRequestsOnAndKeepsTheClientsConnection() throws Exception {
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.start();
                RawClient client = new RawClient(proxy.port())) {
            assertThat(client.get(server.url("/bytes/5000")).body).hasSize(5000);
            assertThat(client.get(server.url("/chunked/5000")).body).hasSize(5000);
            assertThat(client.get(server.url("/close-delimited?bytes=5000")).body)
                    .hasSize(5000);
            assertThat(client.get(server.url("/status/204")).body).isEmpty();
            assertThat(client.exchange("HEAD", server.url("/bytes/7"), "").header("Content-Length"))
                    .isEqualTo("7");
            assertThat(client.exchange("POST", server.url("/echo"), "12345", "Content-Length: 5")
                            .text())
                    .isEqualTo("5");
            assertThat(proxy.acceptedConnections()).isEqualTo(1);
            assertThat(proxy.plainRequests()).isEqualTo(6);
            assertThat(server.acceptedConnections()).isEqualTo(6);
            assertThat(server.targets().get(2)).isEqualTo("/close-delimited?bytes=5000");
            assertThat(proxy.requests().get(0).target()).isEqualTo(server.url("/bytes/5000"));
        }
    }

    @Test
    void reachesTheLoopbackInterfaceByAnyName() throws Exception {
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.start();
                RawClient client = new RawClient(proxy.port())) {
            String url = "http://no-such-host.invalid:" + server.port() + "/";
            assertThat(client.get(url).text()).isEqualTo("ok");
        }
    }

    @Test
    void answersHttp10AndClosesUnlessTold() throws Exception {
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.builder().http10().start();
                RawClient client = new RawClient(proxy.port())) {
            RawClient.Response kept = client.exchange("GET", server.url("/"), "", "Proxy-Connection: keep-alive");
            assertThat(kept.statusLine).isEqualTo("HTTP/1.0 200 OK");
            assertThat(kept.header("Connection")).isEqualTo("keep-alive");
            RawClient.Response closed = client.get(server.url("/chunked/500"));
            assertThat(closed.header("Transfer-Encoding")).isNull();
            assertThat(closed.body).hasSize(500);
            assertThat(client.isAtEnd()).isTrue();
        }
    }

    @Test
    void asksForCredentialsOnTheSameConnection() throws Exception {
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.builder()
                        .basicAuthentication("sluice", "secret")
                        .start();
                RawClient client = new RawClient(proxy.port())) {
            String target = "127.0.0.1:" + server.port();
            RawClient.Response refused = client.get(server.url("/"));
            assertThat(refused.statusLine).startsWith("HTTP/1.1 407 ");
            assertThat(refused.header("Proxy-Authenticate")).startsWith("Basic ");
            assertThat(client.exchange("CONNECT", target, "").statusLine).startsWith("HTTP/1.1 407 ");
            assertThat(server.requests()).isEmpty();
            String credentials = "Proxy-Authorization: Basic c2x1aWNlOnNlY3JldA==";
            assertThat(client.exchange("GET", server.url("/"), "", credentials).text())
                    .isEqualTo("ok");
            assertThat(server.requests().get(0).header("Proxy-Authorization")).isNull();
            assertThat(proxy.acceptedConnections()).isEqualTo(1);
        }
    }

    @Test
    void opensTunnelsThatEndWithEitherSide() throws Exception {
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.builder().connectHttp10().start();
                RawClient client = new RawClient(proxy.port())) {
            client.send("CONNECT", "127.0.0.1:" + server.port(), "");
            assertThat(client.readHead().statusLine).isEqualTo("HTTP/1.0 200 Connection established");
            assertThat(client.get("/bytes/100").body).hasSize(100);
            assertThat(client.get("/close").body).hasSize(20);
            assertThat(client.isAtEnd()).isTrue();
            assertThat(proxy.tunnels()).isEqualTo(1);
            assertThat(proxy.plainRequests()).isZero();
        }
    }

    @Test
    void closesTheServersSideOfATunnelWhenTheClientCloses() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            try (RawClient client = new RawClient(proxy.port())) {
                client.send("CONNECT", "127.0.0.1:" + server.port(), "");
                client.readHead();
                client.get("/");
                assertThat(meter.current()).isEqualTo(1);
            }
            int left = 1;
            while (left > 0) {
                left = meter.current();
            }
            assertThat(meter.max()).isEqualTo(1);
        }
    }

    @Test
    void answersBadGatewayWhenTheServerRefusesOrResets() throws Exception {
        TestServer closed = TestServer.start();
        closed.close();
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.start()) {
            for (String url : new String[] {closed.url("/"), server.url("/reset")}) {
                try (RawClient client = new RawClient(proxy.port())) {
                    assertThat(client.get(url).statusLine).startsWith("HTTP/1.1 502 ");
                }
            }
            try (RawClient client = new RawClient(proxy.port())) {
                assertThat(client.exchange("CONNECT", "127.0.0.1:" + closed.port(), "").statusLine)
                        .startsWith("HTTP/1.1 502 ");
            }
        }
    }

    @Test
    void breaksOffWhereTheServerDoes() throws Exception {
        try (TestServer server = TestServer.start();
                TestProxy proxy = TestProxy.start();
                RawClient client = new RawClient(proxy.port())) {
            assertThatThrownBy(() -> client.get(server.url("/hangup?bytes=4000")))
                    .hasMessageContaining("2000 bytes before the end");
        }
    }

    @Test
    void servesTheJdksClient() throws Exception {
        try (TestProxy proxy = TestProxy.start()) {
            servesTheJdksClient(proxy.javaProxy());
            assertThat(proxy.plainRequests()).isEqualTo(1);
            assertThat(proxy.tunnels()).isEqualTo(1);
        }
    }

    @Test
    void squidServesWhereInstalled() throws Exception {
        Optional<DebianProxies.Running> squid = DebianProxies.squid();
        assumeTrue(squid.isPresent(), "skipped: squid is not installed");
        try (DebianProxies.Running proxy = squid.get()) {
            servesTheJdksClient(proxy.javaProxy());
            assertThat(connectStatusLine(proxy.port())).startsWith("HTTP/1.1 200 ");
        }
        assertStopped(squid.get().port());
    }

    @Test
    void tinyproxyServesWhereInstalled() throws Exception {
        Optional<DebianProxies.Running> tinyproxy = DebianProxies.tinyproxy();
        assumeTrue(tinyproxy.isPresent(), "skipped: tinyproxy is not installed");
        try (DebianProxies.Running proxy = tinyproxy.get()) {
            servesTheJdksClient(proxy.javaProxy());
            assertThat(connectStatusLine(proxy.port())).startsWith("HTTP/1.0 200 ");
        }
        assertStopped(tinyproxy.get().port());
    }

    /** A plain request, and one through a tunnel. */
    private static void servesTheJdksClient(Proxy proxy) throws IOException {
        try (TestServer plain = TestServer.start();
                TestServer secure = TestServer.builder().tls().start()) {
            HttpURLConnection http = (HttpURLConnection) new URL(plain.url("/bytes/3000")).openConnection(proxy);
            assertThat(HttpInput.readAll(http.getInputStream())).hasSize(3000);
            assertThat(plain.targets()).containsExactly("/bytes/3000");
            HttpsURLConnection https = (HttpsURLConnection) new URL(secure.url("/bytes/3000")).openConnection(proxy);
            https.setSSLSocketFactory(TestTls.clientContext().getSocketFactory());
            assertThat(HttpInput.readAll(https.getInputStream())).hasSize(3000);
            assertThat(secure.targets()).containsExactly("/bytes/3000");
        }
    }

    private static String connectStatusLine(int port) throws IOException {
        try (TestServer server = TestServer.builder().tls().start();
                RawClient client = new RawClient(port)) {
            client.send("CONNECT", "127.0.0.1:" + server.port(), "");
            String statusLine = client.readHead().statusLine;
            SSLSocket secure = (SSLSocket) TestTls.clientContext()
                    .getSocketFactory()
                    .createSocket(client.socket(), "127.0.0.1", server.port(), true);
            assertThat(new RawClient(secure).get("/").text()).isEqualTo("ok");
            return statusLine;
        }
    }

    private static void assertStopped(int port) {
        assertThatThrownBy(() -> new Socket(Listener.loopback(false), port)).hasMessageContaining("refused");
    }
}
