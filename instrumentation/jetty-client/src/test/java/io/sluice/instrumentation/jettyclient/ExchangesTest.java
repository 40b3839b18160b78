package io.sluice.instrumentation.jettyclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import io.sluice.limiter.Limits;
import java.lang.reflect.Constructor;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Exchanges of more than one request, and the kinds of pools. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExchangesTest {
    private static final String CLIENT = "org.eclipse.jetty.client.";

    private final List<AutoCloseable> toClose = new ArrayList<>();

    @BeforeEach
    void limit() {
        TestAgent.limit(1);
    }

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

    private Jetty client() throws Exception {
        return closing(new Jetty(ContractClient.Setup.plain(), true));
    }

    private static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).pending() == 0);
        TestAgent.await(
                "what is open is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    private static List<Future<?>> send(Jetty client, TestServer server, String path, int count) throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(Jetty.send(client.request(server.url(path + (path.contains("?") ? "&" : "?") + "n=" + i))));
        }
        return all;
    }

    private static void succeed(List<Future<?>> all) throws Exception {
        for (Future<?> one : all) {
            assertThat(Jetty.text(one.get(30, TimeUnit.SECONDS))).startsWith("200 ");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void redirectsAmongTwoServersNeverWaitForEachOther(boolean strictOrder) throws Exception {
        TestServer first = closing(TestServer.start());
        TestServer second = closing(TestServer.start());
        Jetty client = client();
        Jetty.call(client.client(), "setStrictEventOrdering", strictOrder);
        List<Future<?>> all = send(client, first, "/redirect?to=" + second.url("/bytes/10"), 10);
        all.addAll(send(client, second, "/redirect?to=" + first.url("/bytes/10"), 10));
        all.addAll(send(client, first, "/redirect?to=" + first.url("/bytes/10"), 10));
        succeed(all);
        awaitQuiet(first);
        awaitQuiet(second);
    }

    @Test
    void anAuthenticatedExchangeTakesOneLeaseAtATime() throws Exception {
        TestServer server = closing(TestServer.start());
        Jetty client = client();
        String type = CLIENT + (Jetty.exists(CLIENT + "BasicAuthentication") ? "" : "util.") + "BasicAuthentication";
        Object credentials =
                Jetty.make(type, URI.create(server.url("/auth")), "test", TestServer.USER, TestServer.PASSWORD);
        Jetty.call(Jetty.call(client.client(), "getAuthenticationStore"), "addAuthentication", credentials);
        succeed(send(client, server, "/auth", 10));
        awaitQuiet(server);
    }

    @ParameterizedTest
    @CsvSource({"false, true", "false, false", "true, true", "true, false"})
    void aProxyThatWantsCredentialsGetsThem(boolean tls, boolean keepAlive) throws Exception {
        TestServer server = closing(
                tls ? TestServer.builder().tls().start() : TestServer.builder().start());
        TestProxy.Builder builder = TestProxy.builder().basicAuthentication("jane", "pw");
        TestProxy proxy =
                closing(keepAlive ? builder.start() : builder.withoutKeepAlive().start());
        Jetty client = closing(new Jetty(
                ContractClient.Setup.plain()
                        .through(new InetSocketAddress("127.0.0.1", proxy.port()))
                        .trusting(TestTls.clientContext()),
                true));
        String type = CLIENT + (Jetty.exists(CLIENT + "BasicAuthentication") ? "" : "util.") + "BasicAuthentication";
        String anyRealm = "<<ANY_REALM>>";
        Object credentials = Jetty.make(type, URI.create("http://127.0.0.1:" + proxy.port()), anyRealm, "jane", "pw");
        Jetty.call(Jetty.call(client.client(), "getAuthenticationStore"), "addAuthentication", credentials);
        try (KernelMeter meter = KernelMeter.start(proxy.port())) {
            succeed(send(client, server, "/bytes/10", 6));
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        awaitQuiet(server);
    }

    @Test
    void connectionsThatTheServerClosesAreReplacedWithinTheLimit() throws Exception {
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        Jetty client = client();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 5; i++) {
                succeed(send(client, server, "/bytes/10", 6));
                awaitQuiet(server);
                TestAgent.await("they are closed", () -> {
                    server.closeIdleConnections(); // again, as one may just be opening that nobody needed in the end
                    return TestAgent.figures(server).open() == 0;
                });
                if (Jetty.exists(CLIENT + "util.BytesContentProvider") && !Jetty.exists(CLIENT + "IConnection")) {
                    // 9.4 offers a closed one for a moment longer, without the agent too.
                    Object pool = Jetty.call(client.destination(server.url("/")), "getConnectionPool");
                    TestAgent.await("the client has forgotten them", () -> idle(pool) == 0);
                }
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
    }

    private static int idle(Object pool) {
        try {
            return (Integer) Jetty.call(pool, "getIdleConnectionCount");
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aRefusedConnectFailsWhatWaitsAndNothingIsLeft() throws Exception {
        TestServer server = TestServer.start();
        String url = server.url("/bytes/10");
        server.close();
        Jetty client = client();
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(Jetty.send(client.request(url)));
        }
        for (Future<?> one : all) {
            assertThat(failure(one)).isInstanceOf(java.net.ConnectException.class);
        }
        TestAgent.await(
                "nothing is left",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).open() == 0);
    }

    private static Throwable failure(Future<?> response) throws Exception {
        try {
            response.get(30, TimeUnit.SECONDS);
            throw new AssertionError("expected a failure");
        } catch (java.util.concurrent.ExecutionException e) {
            return e.getCause();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"RoundRobinConnectionPool", "RandomConnectionPool", "MultiplexConnectionPool"})
    void everyKindOfPoolKeepsItsConnections(String pool) throws Exception {
        assumeTrue(
                Jetty.exists(CLIENT + pool) && Jetty.exists(CLIENT + "ConnectionPool$Factory"),
                "this version has no such pool, or none that one can choose");
        TestAgent.limit(2);
        TestServer server = closing(TestServer.start());
        Jetty client = client();
        Object transport = transport(client);
        Class<?> factory = Jetty.type(CLIENT + "ConnectionPool$Factory");
        Jetty.call(
                transport,
                "setConnectionPoolFactory",
                Proxy.newProxyInstance(
                        factory.getClassLoader(),
                        new Class<?>[] {factory},
                        (proxy, method, arguments) -> newPool(pool, arguments[0])));
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 20; i++) {
                succeed(send(client, server, "/bytes/10?ms=2", 20));
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        // A client thread that is stopped for 50 ms may cost a connection: another is opened in the place of an idle
        // one.
        assertThat(server.acceptedConnections()).isLessThanOrEqualTo(10);
        awaitQuiet(server);
    }

    private static Object transport(Jetty client) throws Exception {
        try {
            return Jetty.call(client.client(), "getHttpClientTransport"); // since 12.1
        } catch (NoSuchMethodException before) {
            return Jetty.call(client.client(), "getTransport");
        }
    }

    private static Object newPool(String pool, Object destination) throws Exception {
        for (Constructor<?> constructor : Jetty.type(CLIENT + pool).getConstructors()) {
            Class<?>[] parameters = constructor.getParameterTypes();
            if (parameters.length == 3 && parameters[2] == int.class) {
                return constructor.newInstance(destination, 64, 1);
            } else if (parameters.length == 4 && parameters[3] == int.class && parameters[1] == int.class) {
                return constructor.newInstance(destination, 64, destination, 1);
            }
        }
        throw new NoSuchMethodException(pool);
    }
}
