package io.sluice.instrumentation.vertx;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.TimeoutException;

/** What every client must do. */
class Vertx3ContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return new Vertx3Client(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof TimeoutException;
    }

    @Override
    protected boolean isInterruptible() {
        return false; // nothing of the client blocks
    }
}
