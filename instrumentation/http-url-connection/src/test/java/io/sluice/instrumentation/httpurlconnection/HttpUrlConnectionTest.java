package io.sluice.instrumentation.httpurlconnection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Limits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.HttpsURLConnection;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What legacy programs do with this client alone. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HttpUrlConnectionTest {
    @BeforeEach
    @AfterEach
    void defaults() {
        TestAgent.limits(Limits.defaults());
        Authenticator.setDefault(null);
    }

    private static HttpURLConnection open(String url) throws IOException {
        return (HttpURLConnection) new URL(url).openConnection();
    }

    private static String read(InputStream from) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (InputStream in = from) {
            for (int read = in.read(); read >= 0; read = in.read()) {
                out.write(read);
            }
        }
        return out.toString("US-ASCII");
    }

    private static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await("every lease is back", () -> TestAgent.figures(server).leased() == 0);
    }

    @ParameterizedTest
    @CsvSource({
        "/status/200?bytes=2000",
        "/status/500?bytes=2000",
        "/chunked/3000",
        "/close?bytes=2000",
        "/close-delimited?bytes=2000"
    })
    void aProgramThatOnlyAsksForTheStatusNeverWedges(String path) throws Exception {
        TestServer.Builder builder = TestServer.builder();
        try (TestServer server = builder.start()) {
            List<HttpURLConnection> kept = new ArrayList<>(); // so that no collection helps
            for (int i = 0; i < 24; i++) {
                HttpURLConnection connection = open(server.url(path));
                assertThat(connection.getResponseCode()).isIn(200, 500);
                kept.add(connection);
            }
            assertThat(server.requests()).hasSize(24);
            for (HttpURLConnection connection : kept) {
                InputStream body =
                        connection.getResponseCode() == 500 ? connection.getErrorStream() : connection.getInputStream();
                assertThat(read(body)).hasSizeGreaterThanOrEqualTo(2000).startsWith("abc");
            }
            awaitQuiet(server);
        }
    }

    @Test
    void anHttp10AnswerThatNobodyReadsDoesNotWedge() throws Exception {
        try (TestServer server = TestServer.builder().http10().start()) {
            List<HttpURLConnection> kept = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                HttpURLConnection connection = open(server.url("/status/500?bytes=2000"));
                assertThat(connection.getResponseCode()).isEqualTo(500);
                kept.add(connection);
            }
            assertThat(read(kept.get(11).getErrorStream())).hasSize(2000);
        }
    }

    @Test
    void disconnectGivesTheLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (TestServer server = TestServer.start()) {
            for (int i = 0; i < 3; i++) {
                HttpURLConnection before = open(server.url("/bytes/100000"));
                before.connect();
                before.disconnect();
                HttpURLConnection halfway = open(server.url("/bytes/100000"));
                assertThat(halfway.getInputStream().read()).isEqualTo('a');
                halfway.disconnect();
                HttpURLConnection after = open(server.url("/bytes/10"));
                assertThat(read(after.getInputStream())).hasSize(10);
                after.disconnect();
            }
            awaitQuiet(server);
            assertThat(TestAgent.figures(server).open())
                    .isEqualTo(TestAgent.figures(server).idle());
        }
    }

    @Test
    void authenticationIsCountedOnce() throws Exception {
        TestAgent.limit(1);
        Authenticator.setDefault(new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(TestServer.USER, TestServer.PASSWORD.toCharArray());
            }
        });
        try (TestServer server = TestServer.start()) {
            for (int i = 0; i < 3; i++) {
                assertThat(read(open(server.url("/auth?bytes=10")).getInputStream()))
                        .hasSize(10);
            }
            awaitQuiet(server);
        }
    }

    @Test
    void authenticationAtAProxyIsCountedOnce() throws Exception {
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerProxy(1)
                .maxConnectionsPerServer(1)
                .build());
        Authenticator.setDefault(new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication("user", "word".toCharArray());
            }
        });
        String before = System.getProperty("jdk.http.auth.tunneling.disabledSchemes");
        System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
        try (TestServer plain = TestServer.start();
                TestServer secure = TestServer.builder().tls().start();
                TestProxy proxy =
                        TestProxy.builder().basicAuthentication("user", "word").start()) {
            for (int i = 0; i < 2; i++) {
                HttpURLConnection direct =
                        (HttpURLConnection) new URL(plain.url("/bytes/10")).openConnection(proxy.javaProxy());
                assertThat(read(direct.getInputStream())).hasSize(10);
                HttpsURLConnection tunnelled =
                        (HttpsURLConnection) new URL(secure.url("/bytes/10")).openConnection(proxy.javaProxy());
                tunnelled.setSSLSocketFactory(TestTls.clientContext().getSocketFactory());
                assertThat(read(tunnelled.getInputStream())).hasSize(10);
            }
            awaitQuiet(plain);
            awaitQuiet(secure);
        } finally {
            if (before == null) {
                System.clearProperty("jdk.http.auth.tunneling.disabledSchemes");
            } else {
                System.setProperty("jdk.http.auth.tunneling.disabledSchemes", before);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void streamingUploadsGoThrough(boolean chunked) throws Exception {
        TestAgent.limit(1);
        try (TestServer server = TestServer.start()) {
            for (int i = 0; i < 3; i++) {
                HttpURLConnection connection = open(server.url("/echo"));
                connection.setDoOutput(true);
                if (chunked) {
                    connection.setChunkedStreamingMode(1000);
                } else {
                    connection.setFixedLengthStreamingMode(30_000);
                }
                connection.getOutputStream().write(new byte[30_000]);
                assertThat(read(connection.getInputStream())).isEqualTo("30000");
            }
            awaitQuiet(server);
        }
    }

    @Test
    void theSilentRetryOnADeadConnectionTakesALeaseOfItsOwn() throws Exception {
        TestAgent.limit(1);
        try (TestServer server = TestServer.start()) {
            for (int i = 0; i < 3; i++) {
                assertThat(read(open(server.url("/bytes/10")).getInputStream())).hasSize(10);
                server.closeIdleConnections();
            }
            awaitQuiet(server);
            assertThat(TestAgent.figures(server).open()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void aReadTimeoutGivesTheLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (TestServer server = TestServer.start()) {
            for (int i = 0; i < 2; i++) {
                HttpURLConnection connection = open(server.url("/never"));
                connection.setReadTimeout(100);
                assertThatThrownBy(connection::getResponseCode).isInstanceOf(SocketTimeoutException.class);
            }
            awaitQuiet(server);
        }
    }

    @Test
    void aReadTimeoutWithinTheHandshakeGivesTheLeaseBack() throws Exception {
        TestAgent.limit(1);
        try (ServerSocket silent = new ServerSocket(0)) {
            for (int i = 0; i < 2; i++) {
                HttpURLConnection connection = open("https://127.0.0.1:" + silent.getLocalPort() + "/");
                connection.setReadTimeout(100);
                assertThatThrownBy(connection::getResponseCode).isInstanceOf(SocketTimeoutException.class);
            }
        }
    }

    @Test
    void headAndPushedBackRedirectsNeverPassTheLimit() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
        try (TestServer server = TestServer.start();
                TestServer other = TestServer.start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 5; i++) {
                HttpURLConnection head = open(server.url("/bytes/10"));
                head.setRequestMethod("HEAD");
                assertThat(head.getResponseCode()).isEqualTo(200);
                String there = other.url("/redirect?to=" + server.url("/bytes/10"));
                assertThat(read(open(server.url("/redirect?to=" + there)).getInputStream()))
                        .hasSize(10);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
            awaitQuiet(server);
            awaitQuiet(other);
        }
    }
}
