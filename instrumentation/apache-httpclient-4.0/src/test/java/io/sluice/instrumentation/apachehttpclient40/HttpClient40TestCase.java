package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.http.conn.ClientConnectionManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** A server of which one connection may be open, and threads. */
@SuppressWarnings("deprecation") // since 4.3 this API is
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class HttpClient40TestCase {
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

    <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    /** A client of its own, with a manager of this kind; it retries nothing. */
    HttpClient40 client(Kind kind) {
        return on(kind.make());
    }

    /** Some other client with a pool of its own. */
    HttpClient40 another() {
        return client(Kind.THREAD_SAFE);
    }

    HttpClient40 on(ClientConnectionManager manager) {
        return closing(HttpClient40.on(manager));
    }

    Future<String> hold(HttpClient40 client) throws Exception {
        Future<String> holder = threads.submit(() -> client.get(server.url("/hold")));
        server.awaitRequests(1);
        return holder;
    }

    void awaitPending(int count) throws Exception {
        TestAgent.await(count + " wait", () -> TestAgent.figures(server).pending() == count);
    }

    void awaitQuiet() throws Exception {
        awaitQuiet(server);
    }

    static void awaitQuiet(TestServer quiet) throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(quiet).leased() == 0
                        && TestAgent.figures(quiet).pending() == 0);
        TestAgent.await(
                "every open connection is idle",
                () -> TestAgent.figures(quiet).open()
                        == TestAgent.figures(quiet).idle());
    }

    static void collectUntil(Supplier<Boolean> condition) throws InterruptedException {
        for (int i = 0; i < 200 && !condition.get(); i++) {
            System.gc();
            System.runFinalization();
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }
}
