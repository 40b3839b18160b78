package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;
import org.jspecify.annotations.Nullable;

/** A manager of a single connection has one user at a time, so there is one for each call that is under way. */
class BasicManagerContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return new Clients(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof ConnectionRequestTimeoutException;
    }

    @Override
    protected boolean sharesConnectionsAmongThreads() {
        return false;
    }

    private static final class Clients implements ContractClient {
        private final Setup setup;
        private final Deque<ContractClient> free = new ConcurrentLinkedDeque<>();

        Clients(Setup setup) {
            this.setup = setup;
        }

        private ContractClient take() {
            ContractClient client = free.pollFirst();
            return client != null
                    ? client
                    : new TestClients.Client(TestClients.builder(TestClients.basic(setup.tls()), setup.proxy())
                            .build());
        }

        @Override
        public String get(String url) throws Exception {
            return call(url, null);
        }

        @Override
        public String post(String url, byte[] body) throws Exception {
            return call(url, body);
        }

        private String call(String url, byte @Nullable [] body) throws Exception {
            ContractClient client = take();
            try {
                return body == null ? client.get(url) : client.post(url, body);
            } finally {
                free.addFirst(client);
            }
        }

        @Override
        public void close() throws Exception {
            for (ContractClient client : free) {
                client.close();
            }
        }
    }
}
