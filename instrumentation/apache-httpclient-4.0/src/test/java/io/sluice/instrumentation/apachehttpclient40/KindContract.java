package io.sluice.instrumentation.apachehttpclient40;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.http.conn.ConnectionPoolTimeoutException;
import org.junit.jupiter.api.BeforeEach;

/** The contract for one kind of manager. */
abstract class KindContract extends HttpClientContract {
    private final Kind kind;

    KindContract(Kind kind) {
        this.kind = kind;
    }

    @BeforeEach
    void thisVersionHasIt() {
        assumeTrue(kind.exists(), "new in 4.2");
    }

    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return kind.pooled ? HttpClient40.of(kind, setup) : new OneForEachThread(kind, setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof ConnectionPoolTimeoutException;
    }

    @Override
    protected boolean sharesConnectionsAmongThreads() {
        return kind.pooled;
    }

    /** A manager of one connection serves one thread at a time; each thread has its own. */
    private static final class OneForEachThread implements ContractClient {
        private final Queue<HttpClient40> all = new ConcurrentLinkedQueue<>();
        private final ThreadLocal<HttpClient40> mine;

        OneForEachThread(Kind kind, Setup setup) {
            mine = ThreadLocal.withInitial(() -> {
                HttpClient40 made = HttpClient40.of(kind, setup);
                all.add(made);
                return made;
            });
        }

        @Override
        public String get(String url) throws IOException {
            return mine.get().get(url);
        }

        @Override
        public String post(String url, byte[] body) throws IOException {
            return mine.get().post(url, body);
        }

        @Override
        public void close() {
            for (HttpClient40 one : all) {
                one.close();
            }
        }
    }
}
