package io.sluice.instrumentation.apachehttpclient5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** A server, clients and threads, all gone after the test. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class ClientFixture {
    /** The connection managers that there are. */
    enum Manager {
        STRICT,
        LAX,
        OFFLOCK,
        BASIC
    }

    final ExecutorService threads = Executors.newCachedThreadPool();
    private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
    TestServer server = TestServer.start();

    @BeforeEach
    void defaults() {
        TestAgent.limits(Limits.defaults());
    }

    @AfterEach
    void closeAll() throws Exception {
        threads.shutdownNow();
        for (AutoCloseable closeable : toClose) {
            closeable.close();
        }
        server.close();
        TestAgent.limits(Limits.defaults());
    }

    final <T extends AutoCloseable> T closing(T closeable) {
        toClose.push(closeable);
        return closeable;
    }

    final CloseableHttpClient client(Manager kind) {
        return client(kind, null, null);
    }

    final CloseableHttpClient client(Manager kind, @Nullable InetSocketAddress proxy, @Nullable SSLContext tls) {
        return closing(TestClients.builder(manager(kind, tls), proxy).build());
    }

    static HttpClientConnectionManager manager(Manager kind, @Nullable SSLContext tls) {
        return kind == Manager.BASIC ? TestClients.basic(tls) : TestClients.pooling(policy(kind), tls);
    }

    static PoolConcurrencyPolicy policy(Manager kind) {
        PoolConcurrencyPolicy policy = TestClients.policy(kind.name());
        assumeTrue(policy != null, "this version does not have the policy");
        return policy;
    }

    /** An exchange that lasts until {@link #release}. */
    final Future<String> hold(CloseableHttpClient client) throws Exception {
        Future<String> holder = threads.submit(() -> TestClients.get(client, server.url("/hold")));
        server.awaitRequests(1);
        return holder;
    }

    final void release(Future<String> holder) throws Exception {
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    final void awaitPending(int count) throws Exception {
        TestAgent.await("so many wait", () -> TestAgent.figures(server).pending() == count);
    }

    final void awaitQuiet() throws Exception {
        awaitQuiet(server);
    }

    static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await("every lease is back", () -> TestAgent.figures(server).leased() == 0);
        TestAgent.await(
                "every open connection is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }
}
