package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.TimeoutException;

class AsyncClient4ContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return AsyncClient4.with(setup);
    }

    /** As the pool's own "Connection lease request time out". */
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
