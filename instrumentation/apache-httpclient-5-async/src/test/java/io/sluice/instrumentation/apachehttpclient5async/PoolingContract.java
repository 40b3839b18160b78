package io.sluice.instrumentation.apachehttpclient5async;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.TimeoutException;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.jspecify.annotations.Nullable;

/** A pool of one concurrency policy. */
abstract class PoolingContract extends HttpClientContract {
    private final @Nullable PoolConcurrencyPolicy policy;

    PoolingContract(String policy) {
        this.policy = TestClients.policy(policy);
    }

    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        assumeTrue(policy != null, "this version does not have the policy");
        return new TestClients.Client(
                TestClients.started(TestClients.builder(TestClients.pooling(policy, setup.tls()), setup.proxy())));
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof TimeoutException;
    }

    /** It is cancelled instead; see WaitingTest. */
    @Override
    protected boolean isInterruptible() {
        return false;
    }
}
