package io.sluice.instrumentation.jettyclient;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Nested;

/** The contract, by both ways of sending. */
class JettyClientContractTest {
    @Nested
    class Blocking extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) throws Exception {
            return new Jetty(setup, false);
        }

        /** The interrupt would end the exchange that holds the lease, too; see {@link JettyClientTest}. */
        @Override
        protected boolean isInterruptible() {
            return false;
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return thrown instanceof TimeoutException;
        }
    }

    @Nested
    class Asynchronous extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) throws Exception {
            return new Jetty(setup, true);
        }

        /** The interrupt would end the exchange that holds the lease, too; see {@link JettyClientTest}. */
        @Override
        protected boolean isInterruptible() {
            return false;
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return thrown instanceof TimeoutException;
        }
    }
}
