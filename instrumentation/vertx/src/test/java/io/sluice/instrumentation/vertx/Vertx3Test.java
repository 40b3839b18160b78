package io.sluice.instrumentation.vertx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is particular to the client of Vert.x 3.9. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Vertx3Test {
    private final Vertx vertx = Vertx.vertx();
    private final TestServer server = TestServer.start();

    @AfterEach
    void close() throws Exception {
        server.close();
        Vertx3Client.close(vertx);
        TestAgent.limits(Limits.defaults());
    }

    private Vertx3Client client(HttpClientOptions options) {
        return new Vertx3Client(vertx, options);
    }

    private Vertx3Client client() {
        return client(new HttpClientOptions().setMaxPoolSize(50));
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

    private static void all(List<CompletableFuture<String>> exchanges) throws Exception {
        for (CompletableFuture<String> one : exchanges) {
            assertThat(Vertx3Client.await(one)).startsWith("200 ");
        }
    }

    @Test
    void aHundredCallsOfOneThreadParkNobody() throws Exception {
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            Vertx3Client client = client();
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
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
        }
    }

    @Test
    void theTimeoutOfARequestEndsItsWait() throws Exception {
        TestAgent.limit(1);
        Vertx3Client client = client();
        CompletableFuture<String> holder = client.getLater(server.url("/hold"));
        server.awaitRequests(1);
        CompletableFuture<String> waiter = new CompletableFuture<>();
        HttpClientRequest request = client.request("GET", server.url("/bytes/10"), waiter);
        Vertx3Client.call(request, "setTimeout", long.class, 200L);
        Vertx3Client.end(request);
        assertThatThrownBy(() -> Vertx3Client.await(waiter))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("limit=1");
        assertThat(figures().pending()).isZero();
        server.letGo();
        assertThat(Vertx3Client.await(holder)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void aRequestThatIsResetLeavesTheQueue() throws Throwable {
        TestAgent.limit(1);
        Vertx3Client client = client();
        CompletableFuture<String> holder = client.getLater(server.url("/hold"));
        server.awaitRequests(1);
        CompletableFuture<String> waiter = new CompletableFuture<>();
        HttpClientRequest request = client.request("GET", server.url("/bytes/10"), waiter);
        Vertx3Client.end(request);
        TestAgent.await("it waits", () -> figures().pending() == 1);
        Reflect.call(request, "reset");
        assertThatThrownBy(() -> Vertx3Client.await(waiter)).isInstanceOf(Exception.class);
        assertThat(figures().pending()).isZero();
        server.letGo();
        assertThat(Vertx3Client.await(holder)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void aFullPoolHoardsNoLeases() throws Exception {
        Vertx3Client small = client(new HttpClientOptions().setMaxPoolSize(1));
        List<CompletableFuture<String>> held = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            held.add(small.getLater(server.url("/hold")));
        }
        server.awaitRequests(1);
        assertThat(client().get(server.url("/bytes/10"))).startsWith("200 ");
        server.letGo();
        all(held);
        awaitQuiet();
    }

    @Test
    void pipelinedRequestsAreOneLeasedConnection() throws Exception {
        TestAgent.limit(1);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Vertx3Client client = client(new HttpClientOptions()
                        .setPipelining(true)
                        .setPipeliningLimit(4)
                        .setMaxPoolSize(5));
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
    void streamsOfHttp2AreOneConnection() throws Exception {
        TestAgent.limit(1);
        try (Http2TestServer http2 = Http2TestServer.overTls(100, exchange -> Thread.sleep(5));
                KernelMeter meter = KernelMeter.start(http2.port())) {
            HttpClientOptions options = new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setUseAlpn(true);
            options.setTrustAll(true).setVerifyHost(false);
            for (int round = 0; round < 3; round++) {
                List<CompletableFuture<String>> exchanges = new ArrayList<>();
                for (Vertx3Client client : new Vertx3Client[] {client(options), client(options)}) {
                    for (int i = 0; i < 40; i++) {
                        exchanges.add(client.getLater(http2.url("/" + i)));
                    }
                }
                all(exchanges);
            }
            Destination destination = Destination.server("https", "127.0.0.1", http2.port());
            TestAgent.await(
                    "nothing is leased",
                    () -> TestAgent.table().snapshot(destination).leased() == 0);
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }
}
