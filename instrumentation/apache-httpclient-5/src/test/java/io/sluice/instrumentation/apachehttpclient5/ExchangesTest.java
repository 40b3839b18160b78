package io.sluice.instrumentation.apachehttpclient5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.Exchange;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Destination;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.DefaultHttpRequestRetryStrategy;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.core5.util.TimeValue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The lease from the connect to the end of the response, on the client's less trodden paths. */
class ExchangesTest extends ClientFixture {
    @ParameterizedTest
    @EnumSource(Manager.class)
    void cancelWhileTheServerThinksGivesTheLeaseBack(Manager manager) throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(manager);
        HttpGet get = new HttpGet(server.url("/hold"));
        Future<String> cancelled = threads.submit(() -> TestClients.execute(client, get));
        server.awaitRequests(1);
        get.cancel();
        assertThat(catchThrowable(() -> cancelled.get(20, TimeUnit.SECONDS))).isNotNull();
        assertThat(TestClients.get(client(manager), server.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void cancelWhileConnectingGivesTheLeaseAndTheRoomBack(Manager manager) throws Exception {
        CloseableHttpClient client = client(manager);
        List<Socket> crowd = new ArrayList<>();
        try (ServerSocket deaf = new ServerSocket(0, 1)) {
            // Nobody accepts: the backlog is full after two, and the kernel answers no further SYN.
            for (int i = 0; i < 2; i++) {
                crowd.add(new Socket("127.0.0.1", deaf.getLocalPort()));
            }
            Destination destination = Destination.server("http", "127.0.0.1", deaf.getLocalPort());
            HttpGet get = new HttpGet("http://127.0.0.1:" + deaf.getLocalPort() + "/");
            AtomicReference<Thread> thread = new AtomicReference<>();
            Future<String> connecting = threads.submit(() -> {
                thread.set(Thread.currentThread());
                return TestClients.execute(client, get);
            });
            TestAgent.await("it connects", () -> ParkedThreads.isConnecting(thread.get()));
            assertThat(TestAgent.table().snapshot(destination).open()).isEqualTo(1);
            get.cancel();
            assertThat(catchThrowable(() -> connecting.get(20, TimeUnit.SECONDS)))
                    .isNotNull();
            TestAgent.await(
                    "nothing is left",
                    () -> TestAgent.table().snapshot(destination).open() == 0
                            && TestAgent.table().snapshot(destination).leased() == 0);
        } finally {
            for (Socket one : crowd) {
                one.close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void aConnectionThatTheServerClosedIsReplaced(Manager manager) throws Exception {
        TestAgent.limit(1);
        CloseableHttpClient client = client(manager);
        for (int i = 0; i < 3; i++) {
            assertThat(TestClients.get(client, server.url("/bytes/10"))).startsWith("200 ");
            server.closeIdleConnections();
        }
        awaitQuiet();
        assertThat(server.acceptedConnections()).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource(value = Manager.class, names = "BASIC", mode = EnumSource.Mode.EXCLUDE)
    @SuppressWarnings("deprecation") // its successor is not in 5.0
    void aStaleConnectionIsFoundBeforeItIsUsed(Manager kind) throws Exception {
        TestAgent.limit(1);
        PoolingHttpClientConnectionManager manager = TestClients.pooling(policy(kind), null);
        manager.setValidateAfterInactivity(TimeValue.ofMilliseconds(0));
        CloseableHttpClient client = closing(
                TestClients.builder(manager, null).disableAutomaticRetries().build());
        for (int i = 0; i < 5; i++) {
            assertThat(TestClients.get(client, server.url("/bytes/10"))).startsWith("200 ");
            int accepted = i + 1;
            server.closeIdleConnections();
            // The FIN has to arrive before the client looks.
            TimeUnit.MILLISECONDS.sleep(20);
            assertThat(server.acceptedConnections()).isEqualTo(accepted);
        }
        awaitQuiet();
    }

    @Test
    void everyRetryTakesAndReturnsALeaseOfItsOwn() throws Exception {
        TestAgent.limit(1);
        AtomicInteger calls = new AtomicInteger();
        TestServer flaky = closing(TestServer.builder()
                .on("flaky", exchange -> {
                    int call = calls.getAndIncrement();
                    if (call % 3 == 0) {
                        exchange.reset();
                    } else if (call % 3 == 1) {
                        exchange.header("Retry-After", "0").send(503, "not now");
                    } else {
                        exchange.send(200, "at last");
                    }
                })
                .start());
        CloseableHttpClient client =
                closing(TestClients.builder(TestClients.pooling(policy(Manager.STRICT), null), null)
                        .setRetryStrategy(new DefaultHttpRequestRetryStrategy(3, TimeValue.ofMilliseconds(1)))
                        .build());
        for (int i = 0; i < 3; i++) {
            assertThat(TestClients.get(client, flaky.url("/flaky"))).isEqualTo("200 at last");
        }
        assertThat(calls).hasValue(9);
        awaitQuiet(flaky);
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void redirectsBackAndForthBetweenFullServersEnd(Manager manager) throws Exception {
        TestAgent.limit(1);
        TestServer other = closing(TestServer.start());
        String there = other.url("/redirect?to=" + server.url("/bytes/10"));
        String back = server.url("/redirect?to=" + other.url("/bytes/10"));
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            CloseableHttpClient client = client(manager);
            String url = i % 2 == 0 ? there : back;
            all.add(threads.submit(() -> {
                for (int j = 0; j < 10; j++) {
                    assertThat(TestClients.get(client, url)).startsWith("200 abc");
                }
                return null;
            }));
        }
        for (Future<?> one : all) {
            one.get(40, TimeUnit.SECONDS);
        }
        awaitQuiet();
        awaitQuiet(other);
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void anExchangeThatAuthenticatesCountsOnce(Manager manager) throws Exception {
        TestAgent.limit(1);
        BasicCredentialsProvider credentials = new BasicCredentialsProvider();
        credentials.setCredentials(
                new AuthScope(null, -1),
                new UsernamePasswordCredentials(TestServer.USER, TestServer.PASSWORD.toCharArray()));
        CloseableHttpClient client = closing(TestClients.builder(manager(manager, null), null)
                .setDefaultCredentialsProvider(credentials)
                .build());
        for (int i = 0; i < 3; i++) {
            assertThat(TestClients.get(client, server.url("/auth"))).startsWith("200 ");
        }
        awaitQuiet();
        assertThat(server.acceptedConnections()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void aTunnelIsAuthenticatedAndItsAnswerDoesNotBrandTheServer(Manager manager) throws Exception {
        TestAgent.limit(1);
        TestServer secure = closing(TestServer.builder().tls().start());
        TestProxy proxy = closing(TestProxy.builder()
                .connectHttp10()
                .basicAuthentication("user", "password")
                .start());
        BasicCredentialsProvider credentials = new BasicCredentialsProvider();
        credentials.setCredentials(
                new AuthScope(null, -1), new UsernamePasswordCredentials("user", "password".toCharArray()));
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            CloseableHttpClient client = closing(TestClients.builder(
                            manager(manager, TestTls.clientContext()),
                            new InetSocketAddress(proxy.host(), proxy.port()))
                    .setDefaultCredentialsProvider(credentials)
                    .build());
            all.add(threads.submit(() -> {
                for (int j = 0; j < 3; j++) {
                    assertThat(TestClients.get(client, secure.url("/bytes/10"))).startsWith("200 ");
                }
                return null;
            }));
        }
        for (Future<?> one : all) {
            one.get(40, TimeUnit.SECONDS);
        }
        assertThat(TestAgent.figures(secure).isHttp10()).isFalse();
        awaitQuiet(secure);
        assertThat(TestAgent.table()
                        .snapshot(Destination.proxy(proxy.host(), proxy.port()))
                        .leased())
                .isZero();
    }

    @Test
    void theEvictorThreadMakesRoomToo() throws Exception {
        CloseableHttpClient client =
                closing(TestClients.builder(TestClients.pooling(policy(Manager.STRICT), null), null)
                        .evictIdleConnections(TimeValue.ofMilliseconds(50))
                        .build());
        assertThat(TestClients.get(client, server.url("/bytes/10"))).startsWith("200 ");
        TestAgent.await("it was closed", () -> TestAgent.figures(server).open() == 0);
        assertThat(TestAgent.figures(server).idle()).isZero();
    }

    @ParameterizedTest
    @EnumSource(value = Manager.class, names = "BASIC", mode = EnumSource.Mode.EXCLUDE)
    void theLeastRecentlyUsedConnectionMakesRoom(Manager manager) throws Exception {
        TestAgent.limit(3);
        CloseableHttpClient first = client(manager);
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(threads.submit(() -> TestClients.get(first, server.url("/hold"))));
        }
        TestAgent.await("all are held", () -> server.held() == 3);
        for (int i = 1; i <= 3; i++) {
            int done = i;
            server.letGo(1); // in the order of arrival
            TestAgent.await("one more is idle", () -> TestAgent.figures(server).idle() == done);
        }
        int eldest = server.requests().get(0).connection();
        assertThat(TestClients.get(client(manager), server.url("/bytes/10"))).startsWith("200 ");
        server.forgetRequests();
        server.holdAgain();
        List<Future<String>> again = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            again.add(threads.submit(() -> TestClients.get(first, server.url("/hold"))));
        }
        server.awaitRequests(2);
        assertThat(server.requests()).noneMatch(request -> request.connection() == eldest);
        assertThat(server.acceptedConnections()).isEqualTo(4);
        server.letGo();
        for (Future<String> one : again) {
            assertThat(one.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        }
        awaitQuiet();
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void anInterruptedThreadCanMakeRoom(Manager manager) throws Exception {
        TestAgent.limit(1);
        assertThat(TestClients.get(client(manager), server.url("/bytes/10"))).startsWith("200 ");
        TestAgent.await("it is idle", () -> TestAgent.figures(server).idle() == 1);
        CloseableHttpClient second = client(Manager.BASIC); // does not look at the interrupt status by itself
        Future<String> interrupted = threads.submit(() -> {
            Thread.currentThread().interrupt();
            return TestClients.get(second, server.url("/bytes/10"));
        });
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void aFailedHandshakeLeavesNoConnection(Manager manager) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestServer secure = closing(TestServer.builder().tls().start());
        CloseableHttpClient distrusting = client(manager);
        try (KernelMeter meter = KernelMeter.start(secure.port())) {
            for (int i = 0; i < 3; i++) {
                assertThat(catchThrowable(() -> TestClients.get(distrusting, secure.url("/bytes/10"))))
                        .isNotNull();
                TestAgent.await("it is closed", () -> TestAgent.figures(secure).open() == 0);
            }
            TestAgent.await("nothing is left", () -> meter.current() == 0);
        }
        assertThat(TestAgent.figures(secure).leased()).isZero();
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void aResponseThatIsClosedUnreadGivesItsLeaseBack(Manager manager) throws Exception {
        TestAgent.limit(1);
        TestServer big = closing(TestServer.builder()
                .on("big", exchange -> exchange.send(200, Exchange.Framing.LENGTH, new byte[5_000_000]))
                .start());
        CloseableHttpClient client = client(manager);
        for (int i = 0; i < 3; i++) {
            client.execute(new HttpGet(big.url("/big"))).close();
        }
        awaitQuiet(big);
    }

    @ParameterizedTest
    @EnumSource(Manager.class)
    void aLostResponseGivesItsLeaseBack(Manager manager) throws Exception {
        TestAgent.limit(1);
        TestServer big = closing(TestServer.builder()
                .on("big", exchange -> exchange.send(200, Exchange.Framing.LENGTH, new byte[5_000_000]))
                .start());
        CloseableHttpClient careless = client(manager);
        threads.submit(() -> careless.execute(new HttpGet(big.url("/big"))).getCode())
                .get(20, TimeUnit.SECONDS);
        Future<String> next = threads.submit(() -> TestClients.get(client(manager), big.url("/bytes/10")));
        TestAgent.await("it is granted", () -> {
            System.gc();
            return next.isDone();
        });
        assertThat(next.get()).startsWith("200 ");
        awaitQuiet(big);
    }

    @Test
    void theAsynchronousClientIsLeftAlone() throws Exception {
        TestAgent.limit(1);
        Future<String> holder = hold(client(Manager.STRICT));
        try (CloseableHttpAsyncClient async = HttpAsyncClients.createDefault()) {
            async.start();
            for (int i = 0; i < 5; i++) {
                SimpleHttpResponse response = async.execute(new SimpleHttpRequest("GET", server.uri("/bytes/10")), null)
                        .get(20, TimeUnit.SECONDS);
                assertThat(response.getCode()).isEqualTo(200);
            }
        }
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        release(holder);
    }
}
