package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import org.apache.commons.httpclient.ConnectionPoolTimeoutException;

class PooledContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return HttpClient3.pooling(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof ConnectionPoolTimeoutException;
    }

    @Override
    protected boolean isInterruptible() {
        return Version.INTERRUPTIBLE;
    }
}
