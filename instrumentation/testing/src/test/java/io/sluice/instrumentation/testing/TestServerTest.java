package io.sluice.instrumentation.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.SocketException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HttpsURLConnection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TestServerTest {
    /** The kernel alone gives one of them again with near certainty. */
    @Test
    void neverListensTwiceOnTheSamePort() {
        Set<Integer> ports = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            try (TestServer server = TestServer.start()) {
                assertThat(ports.add(server.port())).isTrue();
            }
        }
    }

    @Test
    void keepsTheConnectionOfHttp11() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            for (int i = 1; i <= 3; i++) {
                RawClient.Response response = client.get("/" + i);
                assertThat(response.statusLine).isEqualTo("HTTP/1.1 200 OK");
                assertThat(response.text()).isEqualTo("ok");
                assertThat(response.header("X-Connection")).isEqualTo("1");
                assertThat(server.responses()).isEqualTo(i);
            }
            assertThat(server.targets()).containsExactly("/1", "/2", "/3");
            assertThat(server.acceptedConnections()).isEqualTo(1);
        }
    }

    @Test
    void answersHttp10AndCloses() throws Exception {
        try (TestServer server = TestServer.builder().http10().start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response response = client.get("/chunked/100");
            assertThat(response.statusLine).isEqualTo("HTTP/1.0 200 OK");
            assertThat(response.header("Transfer-Encoding")).isNull();
            assertThat(response.body).hasSize(100);
            assertThat(client.isAtEnd()).isTrue();
        }
    }

    @Test
    void keepsTheConnectionOfHttp10WhenTold() throws Exception {
        try (TestServer server = TestServer.builder().http10().start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response first = client.exchange("GET", "/a", "", "Connection: keep-alive");
            assertThat(first.header("Connection")).isEqualTo("keep-alive");
            client.get("/b");
            assertThat(client.isAtEnd()).isTrue();
            assertThat(server.acceptedConnections()).isEqualTo(1);
        }
    }

    @Test
    void closesAfterEachAnswerWithoutKeepAlive() throws Exception {
        try (TestServer server = TestServer.builder().withoutKeepAlive().start();
                RawClient client = new RawClient(server.port())) {
            assertThat(client.get("/").header("Connection")).isEqualTo("close");
            assertThat(client.isAtEnd()).isTrue();
        }
    }

    @Test
    void answersWithTheStatusAndBodyOfThePath() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response failed = client.get("/status/500?bytes=3000");
            assertThat(failed.statusLine).startsWith("HTTP/1.1 500 ");
            assertThat(failed.body).hasSize(3000);
            assertThat(client.get("/status/404").statusLine).startsWith("HTTP/1.1 404 ");
            assertThat(client.get("/bytes/100000").body).hasSize(100000);
            assertThat(client.get("/anything?bytes=30").text()).isEqualTo("abcdefghijklmnopqrstuvwxyzabcd");
            RawClient.Response chunked = client.get("/chunked/100000?piece=999");
            assertThat(chunked.header("Content-Length")).isNull();
            assertThat(chunked.body).hasSize(100000);
            assertThat(server.acceptedConnections()).isEqualTo(1);
        }
    }

    @Test
    void sendsNoBodyWhereNoneMayBe() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response head = client.exchange("HEAD", "/bytes/50", "");
            assertThat(head.header("Content-Length")).isEqualTo("50");
            assertThat(client.get("/status/204").header("Content-Length")).isNull();
            assertThat(client.get("/status/304").header("Content-Length")).isNull();
            assertThat(client.get("/").text()).isEqualTo("ok");
        }
    }

    @Test
    void announcesTheCloseOrLetsItEndTheBody() throws Exception {
        try (TestServer server = TestServer.start()) {
            try (RawClient client = new RawClient(server.port())) {
                RawClient.Response response = client.get("/close");
                assertThat(response.header("Connection")).isEqualTo("close");
                assertThat(response.header("Content-Length")).isEqualTo("20");
                assertThat(client.isAtEnd()).isTrue();
            }
            try (RawClient client = new RawClient(server.port())) {
                RawClient.Response response = client.get("/close-delimited?bytes=5000");
                assertThat(response.header("Content-Length")).isNull();
                assertThat(response.body).hasSize(5000);
            }
        }
    }

    @Test
    void redirectsAndKeepsTheConnection() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response response = client.get("/redirect?to=/bytes/5%3Fx%3D1");
            assertThat(response.statusLine).isEqualTo("HTTP/1.1 302 Found");
            assertThat(response.header("Location")).isEqualTo("/bytes/5?x=1");
            assertThat(client.get("/redirect?status=307").statusLine).startsWith("HTTP/1.1 307 ");
        }
    }

    @Test
    void challengesUntilTheCredentialsCome() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response refused = client.get("/auth");
            assertThat(refused.statusLine).startsWith("HTTP/1.1 401 ");
            assertThat(refused.header("WWW-Authenticate")).startsWith("Basic ");
            RawClient.Response wrong = client.exchange("GET", "/auth", "", "Authorization: Basic d3Jvbmc6d3Jvbmc=");
            assertThat(wrong.statusLine).startsWith("HTTP/1.1 401 ");
            RawClient.Response welcome =
                    client.exchange("GET", "/auth", "", "Authorization: Basic c2x1aWNlOnNlY3JldA==");
            assertThat(welcome.statusLine).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void resetsTheConnection() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            assertThatThrownBy(() -> client.get("/reset"))
                    .isInstanceOf(SocketException.class)
                    .hasMessageContaining("reset");
            assertThat(server.targets()).containsExactly("/reset");
        }
    }

    @Test
    void hangsUpInTheMiddleOfTheBody() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            assertThatThrownBy(() -> client.get("/hangup?bytes=4000"))
                    .hasMessageContaining("2000 bytes before the end");
        }
    }

    @Test
    void neverAnswersUntilItIsClosed() throws Exception {
        TestServer server = TestServer.start();
        try (RawClient client = new RawClient(server.port())) {
            client.send("GET", "/never", "");
            server.awaitRequests(1);
            assertThat(client.answersWithin(100)).isFalse();
            server.close();
            assertThat(client.isAtEnd()).isTrue();
            assertThat(server.responses()).isZero();
        }
    }

    @Test
    void dripsTheWholeBody() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            long start = System.nanoTime();
            assertThat(client.get("/drip?bytes=1003&pieces=10&pause=5").body).hasSize(1003);
            assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(45));
        }
    }

    @Test
    void answersAfterTheDelay() throws Exception {
        try (TestServer server = TestServer.builder().delayMillis(30).start();
                RawClient client = new RawClient(server.port())) {
            assertThat(millisOf(() -> client.get("/slow?ms=60"))).isGreaterThanOrEqualTo(60);
            assertThat(millisOf(() -> client.get("/other"))).isBetween(30L, 10_000L);
        }
    }

    @Test
    void readsTheBodiesOfRequests() throws Exception {
        try (TestServer server = TestServer.start()) {
            assertThat(post(server, 70_000, false)).isEqualTo("70000");
            assertThat(post(server, 70_000, true)).isEqualTo("70000");
            assertThat(server.requests().get(1).header("transfer-encoding")).isEqualTo("chunked");
            assertThat(server.requests().get(1).body()).hasSize(70_000);
        }
    }

    @Test
    void asksForTheBodyWhenExpected() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient client = new RawClient(server.port())) {
            client.sendHead("POST", "/echo", "Content-Length: 5", "Expect: 100-continue");
            assertThat(client.readHead().statusLine).isEqualTo("HTTP/1.1 100 Continue");
            client.sendText("12345");
            assertThat(client.read("POST").text()).isEqualTo("5");
        }
    }

    @Test
    void answersHeldRequestsInTheirOrderOfArrival() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient first = new RawClient(server.port());
                RawClient second = new RawClient(server.port());
                RawClient third = new RawClient(server.port())) {
            int sent = 0;
            for (RawClient client : Arrays.asList(first, second, third)) {
                client.send("GET", "/hold?" + ++sent, "");
                server.awaitRequests(sent);
            }
            assertThat(server.targets()).containsExactly("/hold?1", "/hold?2", "/hold?3");
            server.letGo(1);
            assertThat(first.read("GET").text()).isEqualTo("ok");
            assertThat(second.answersWithin(50)).isFalse();
            server.letGo();
            assertThat(second.read("GET").text()).isEqualTo("ok");
            assertThat(third.read("GET").text()).isEqualTo("ok");
            assertThat(server.held()).isZero();
            server.holdAgain();
            first.send("GET", "/hold?4", "");
            assertThat(first.answersWithin(50)).isFalse();
        }
    }

    @Test
    void closesOnlyIdleConnections() throws Exception {
        try (TestServer server = TestServer.start();
                RawClient idle = new RawClient(server.port());
                RawClient busy = new RawClient(server.port())) {
            idle.get("/");
            busy.send("GET", "/hold", "");
            server.awaitRequests(2);
            server.closeIdleConnections();
            assertThat(idle.isAtEnd()).isTrue();
            server.letGo();
            assertThat(busy.read("GET").text()).isEqualTo("ok");
        }
    }

    @Test
    void answersTwoHundredConnectionsAtOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(200);
        try (TestServer server = TestServer.start()) {
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                answers.add(threads.submit(() -> {
                    try (RawClient client = new RawClient(server.port())) {
                        return client.get("/hold").text();
                    }
                }));
            }
            server.awaitRequests(200);
            assertThat(server.acceptedConnections()).isEqualTo(200);
            server.letGo();
            for (Future<String> answer : answers) {
                assertThat(answer.get()).isEqualTo("ok");
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void speaksTls() throws Exception {
        try (TestServer server = TestServer.builder().tls().chunked().start()) {
            for (int i = 0; i < 3; i++) {
                HttpsURLConnection connection =
                        (HttpsURLConnection) new URL(server.url("/bytes/3000")).openConnection();
                connection.setSSLSocketFactory(TestTls.clientContext().getSocketFactory());
                assertThat(HttpInput.readAll(connection.getInputStream())).hasSize(3000);
            }
            assertThat(server.url("/")).startsWith("https://127.0.0.1:");
        }
    }

    @Test
    void answersAsTheTestsOwnBehaviourSays() throws Exception {
        Behaviour teapot = exchange -> exchange.header("X-Tea", "green").send(418, "no coffee");
        try (TestServer server = TestServer.builder().on("coffee", teapot).start();
                RawClient client = new RawClient(server.port())) {
            RawClient.Response response = client.get("/coffee/7");
            assertThat(response.statusLine).startsWith("HTTP/1.1 418 ");
            assertThat(response.header("X-Tea")).isEqualTo("green");
            assertThat(response.text()).isEqualTo("no coffee");
        }
    }

    private static String post(TestServer server, int bytes, boolean chunked) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(server.url("/echo")).openConnection();
        connection.setDoOutput(true);
        if (chunked) {
            connection.setChunkedStreamingMode(1000);
        }
        connection.getOutputStream().write(new byte[bytes]);
        return new String(HttpInput.readAll(connection.getInputStream()), StandardCharsets.US_ASCII);
    }

    private static long millisOf(Callable<?> task) throws Exception {
        long start = System.nanoTime();
        task.call();
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    }
}
