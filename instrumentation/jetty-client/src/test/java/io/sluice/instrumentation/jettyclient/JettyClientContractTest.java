package io.sluice.instrumentation.jettyclient;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Nested;

/** The contract, by both ways of sending. */
class JettyClientContractTest {
    static boolean isTimeoutOfJetty(Throwable thrown) {
        Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
        return cause instanceof TimeoutException;
    }

    @Nested
    class Blocking extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) throws Exception {
            return new Jetty(setup, false);
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return isTimeoutOfJetty(thrown);
        }
    }

    @Nested
    class Asynchronous extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) throws Exception {
            return new Jetty(setup, true);
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return isTimeoutOfJetty(thrown);
        }
    }
}
