package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Future;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** A server and clients, all gone after the test. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class ClientFixture {
    /** The pools that there are. */
    enum Kind {
        STRICT,
        LAX,
        OFFLOCK
    }

    private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
    TestServer server = TestServer.start();

    @BeforeEach
    void defaults() {
        TestAgent.limits(Limits.defaults());
    }

    @AfterEach
    void closeAll() throws Exception {
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

    final CloseableHttpAsyncClient client(Kind kind) {
        return client(kind, null, null);
    }

    final CloseableHttpAsyncClient client(Kind kind, @Nullable InetSocketAddress proxy, @Nullable SSLContext tls) {
        return closing(TestClients.started(TestClients.builder(TestClients.pooling(policy(kind), tls), proxy)));
    }

    static PoolConcurrencyPolicy policy(Kind kind) {
        PoolConcurrencyPolicy policy = TestClients.policy(kind.name());
        assumeTrue(policy != null, "this version does not have the policy");
        return policy;
    }

    /** An exchange that lasts until {@link #release}. */
    final Future<SimpleHttpResponse> hold(CloseableHttpAsyncClient client) throws Exception {
        Future<SimpleHttpResponse> holder = TestClients.send(client, server.url("/hold"));
        server.awaitRequests(1);
        return holder;
    }

    final void release(Future<SimpleHttpResponse> holder) throws Exception {
        server.letGo();
        assertThat(TestClients.text(holder)).startsWith("200 ");
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
