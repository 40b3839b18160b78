package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import io.undertow.server.HttpHandler;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 works as without the agent, and its connection is counted; over TLS, and in clear text by prior knowledge. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test {
    private final CountDownLatch gate = new CountDownLatch(1);
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private Http2TestServer server;
    private String scheme;

    @BeforeEach
    void meterAndLimit() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(1);
    }

    @AfterEach
    void closeAll() throws Exception {
        gate.countDown();
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    private <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    private KernelMeter start(String how, HttpHandler handler) throws Exception {
        boolean tls = how.equals("tls");
        scheme = tls ? "https" : "http";
        server = closing(tls ? Http2TestServer.overTls(100, handler) : Http2TestServer.inClearText(handler));
        return closing(KernelMeter.start(server.port()));
    }

    private TestClient client() throws Exception {
        OkHttpClient.Builder builder;
        if (scheme.equals("https")) {
            builder = TestClient.builder(ContractClient.Setup.plain().trusting(TestTls.clientContext()));
        } else {
            builder = TestClient.builder(ContractClient.Setup.plain());
            try {
                builder.protocols(Collections.singletonList(Protocol.valueOf("H2_PRIOR_KNOWLEDGE")));
            } catch (IllegalArgumentException old) {
                assumeTrue(false, "since 3.11");
            }
        }
        OkHttpClient http = builder.build();
        http.dispatcher().setMaxRequestsPerHost(64);
        http.dispatcher().setMaxRequests(200);
        return closing(new TestClient(http, false));
    }

    private static void assumeHttp2() {
        try {
            // The first platform class that knows the ALPN of the JDK itself.
            Class.forName("okhttp3.internal.platform.Jdk9Platform", false, OkHttpClient.class.getClassLoader());
        } catch (ClassNotFoundException old) {
            assumeTrue(false, "needs a library for ALPN");
        }
    }

    private Snapshot figures() {
        return TestAgent.table().snapshot(Destination.server(scheme, "127.0.0.1", server.port()));
    }

    /** Read by the dispatcher's threads: old versions keep a stream, and so the lease, until its body is closed. */
    private List<CompletableFuture<String>> burst(TestClient client, int count) {
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Call call = client.http.newCall(TestClient.request(server.url("/" + i)));
            all.add(TestClient.enqueue(call)
                    .thenApply(response -> response.protocol() + " " + TestClient.readUnchecked(response)));
        }
        return all;
    }

    private static void all(List<CompletableFuture<String>> exchanges) throws Exception {
        for (CompletableFuture<String> one : exchanges) {
            assertThat(one.get(30, TimeUnit.SECONDS)).startsWith("h2").contains(" 200 ");
        }
    }

    private void awaitIdle() throws Exception {
        TestAgent.await("nothing is leased", () -> figures().leased() == 0);
        TestAgent.await(
                "what is open is idle", () -> figures().open() == figures().idle());
    }

    @ParameterizedTest
    @CsvSource({"tls, 1", "tls, 2", "clear, 1", "clear, 2"})
    void aBurstOfFirstCallsRunsOnOneConnection(String how, int limit) throws Exception {
        assumeHttp2();
        TestAgent.limit(limit);
        try (KernelMeter meter = start(how, exchange -> Thread.sleep(20))) {
            TestClient client = client();
            for (int round = 0; round < 3; round++) {
                all(burst(client, 40));
            }
            awaitIdle();
            assertThat(figures().open()).isBetween(1, limit);
            assertThat(meter.max()).isLessThanOrEqualTo(limit);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tls", "clear"})
    void furtherStreamsWaitForNobody(String how) throws Exception {
        assumeHttp2();
        CountDownLatch arrived = new CountDownLatch(40);
        start(how, exchange -> {
            arrived.countDown();
            gate.await();
        });
        List<CompletableFuture<String>> all = burst(client(), 40);
        assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(figures().leased()).isEqualTo(1);
        assertThat(figures().open()).isEqualTo(1);
        assertThat(figures().pending()).isZero();
        gate.countDown();
        all(all);
        awaitIdle();
        assertThat(figures().idle()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tls", "clear"})
    void anIdleConnectionMakesRoomForAnotherClient(String how) throws Exception {
        assumeHttp2();
        try (KernelMeter meter = start(how, exchange -> {})) {
            TestClient first = client();
            TestClient second = client();
            for (int i = 0; i < 10; i++) {
                all(burst(first, 1));
                all(burst(second, 1));
            }
            awaitIdle();
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tls", "clear"})
    void aConnectionWithStreamsIsNotEvicted(String how) throws Exception {
        assumeHttp2();
        try (KernelMeter meter = start(how, exchange -> Thread.sleep(2))) {
            List<TestClient> clients = Arrays.asList(client(), client(), client());
            List<CompletableFuture<String>> exchanges = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                exchanges.addAll(burst(clients.get(i % 3), 1));
                if (i % 10 == 0) {
                    Thread.sleep(1); // several rounds, not one burst
                }
            }
            all(exchanges);
            awaitIdle();
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void moreCallsThanStreamsGoThrough() throws Exception {
        assumeHttp2();
        scheme = "https";
        server = closing(Http2TestServer.overTls(10, exchange -> Thread.sleep(20)));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            all(burst(client(), 60));
            awaitIdle();
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void cancelledStreamsDoNotKeepTheLease() throws Exception {
        assumeHttp2();
        start("tls", exchange -> {
            if (exchange.getRequestPath().startsWith("/hold")) {
                gate.await(2, TimeUnit.SECONDS);
            }
        });
        TestClient client = client();
        for (int round = 0; round < 5; round++) {
            List<Call> calls = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Call call = client.http.newCall(TestClient.request(server.url("/hold" + i)));
                TestClient.enqueue(call);
                calls.add(call);
            }
            for (Call call : calls) {
                call.cancel();
            }
        }
        all(burst(client(), 1));
        awaitIdle();
    }

    @Test
    void http1AndHttp2ClientsShareTheLimit() throws Exception {
        assumeHttp2();
        try (KernelMeter meter = start("tls", exchange -> Thread.sleep(2))) {
            TestClient http2 = client();
            TestClient http1 = closing(new TestClient(
                    TestClient.builder(ContractClient.Setup.plain().trusting(TestTls.clientContext()))
                            .protocols(Collections.singletonList(Protocol.HTTP_1_1))
                            .build(),
                    false));
            for (int round = 0; round < 5; round++) {
                List<CompletableFuture<String>> streams = burst(http2, 20);
                for (int i = 0; i < 3; i++) {
                    assertThat(http1.get(server.url("/one"))).startsWith("200 ");
                }
                all(streams);
            }
            awaitIdle();
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
    }

    /** One address, one certificate: the client sends both hosts' requests on one connection. */
    @Test
    void aConnectionThatTwoHostsShareCountsOnce() throws Exception {
        assumeHttp2();
        try (KernelMeter meter = start("tls", exchange -> Thread.sleep(5))) {
            OkHttpClient http = TestClient.builder(ContractClient.Setup.plain().trusting(TestTls.clientContext()))
                    .dns(host -> Collections.singletonList(InetAddress.getByName("127.0.0.1")))
                    .build();
            TestClient client = closing(new TestClient(http, false));
            Destination localhost = Destination.server("https", "localhost", server.port());
            for (int round = 0; round < 5; round++) {
                List<CompletableFuture<String>> all = burst(client, 5);
                for (int i = 0; i < 5; i++) {
                    Call call = http.newCall(TestClient.request("https://localhost:" + server.port() + "/"));
                    all.add(TestClient.enqueue(call)
                            .thenApply(response -> response.protocol() + " " + TestClient.readUnchecked(response)));
                }
                all(all);
            }
            awaitIdle();
            TestAgent.await(
                    "every lease is back",
                    () -> TestAgent.table().snapshot(localhost).leased() == 0);
            int open = figures().open() + TestAgent.table().snapshot(localhost).open();
            assertThat(meter.current()).isEqualTo(open).isBetween(1, 2);
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
    }
}
