package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.commons.httpclient.ConnectionPoolTimeoutException;

class SimpleContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return new OneForEachThread(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof ConnectionPoolTimeoutException;
    }

    @Override
    protected boolean sharesConnectionsAmongThreads() {
        return false;
    }

    @Override
    protected boolean isInterruptible() {
        return Version.INTERRUPTIBLE;
    }

    /** A simple manager serves one thread at a time; each thread has its own. */
    private static final class OneForEachThread implements ContractClient {
        private final Queue<HttpClient3> all = new ConcurrentLinkedQueue<>();
        private final ThreadLocal<HttpClient3> mine;

        OneForEachThread(Setup setup) {
            mine = ThreadLocal.withInitial(() -> {
                HttpClient3 made = HttpClient3.simple(setup);
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
            for (HttpClient3 one : all) {
                one.close();
            }
        }
    }
}
