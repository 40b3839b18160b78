package io.sluice.instrumentation.okhttp;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.io.InterruptedIOException;

class EnqueueContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return TestClient.enqueueing(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown.getClass() == InterruptedIOException.class;
    }
}
