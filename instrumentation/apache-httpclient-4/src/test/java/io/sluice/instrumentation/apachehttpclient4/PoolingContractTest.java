package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import org.apache.http.conn.ConnectionPoolTimeoutException;

class PoolingContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return HttpClient4.pooling(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof ConnectionPoolTimeoutException;
    }
}
