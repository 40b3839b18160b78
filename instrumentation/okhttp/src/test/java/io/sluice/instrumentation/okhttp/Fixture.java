package io.sluice.instrumentation.okhttp;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** A server, and a limit of one connection. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class Fixture {
    final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<AutoCloseable> toClose = new ArrayList<>();
    TestServer server;

    @BeforeEach
    void oneAtATime() {
        TestAgent.limit(1);
        server = closing(TestServer.start());
    }

    @AfterEach
    void closeAll() throws Exception {
        threads.shutdownNow();
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    final <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    static OkHttpClient.Builder builder() {
        return TestClient.builder(ContractClient.Setup.plain());
    }

    final TestClient client(OkHttpClient.Builder builder) {
        return closing(new TestClient(builder.build(), false));
    }

    final Future<String> hold(TestClient client) throws Exception {
        Future<String> holder = threads.submit(() -> client.get(server.url("/hold")));
        server.awaitRequests(1);
        return holder;
    }

    final void awaitPending(int count) throws Exception {
        TestAgent.await(count + " wait", () -> TestAgent.figures(server).pending() == count);
    }

    final void awaitQuiet() throws Exception {
        awaitQuiet(server);
    }

    static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).pending() == 0);
        TestAgent.await(
                "every open connection is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }
}
