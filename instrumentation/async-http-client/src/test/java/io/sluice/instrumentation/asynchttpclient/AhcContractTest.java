package io.sluice.instrumentation.asynchttpclient;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.TimeoutException;

class AhcContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return AhcClient.with(setup);
    }

    /** As the client's own "Request timeout to". */
    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof TimeoutException;
    }

    /** Who waits for a future may be interrupted; the call goes on until somebody cancels it. */
    @Override
    protected boolean isInterruptible() {
        return false;
    }
}
