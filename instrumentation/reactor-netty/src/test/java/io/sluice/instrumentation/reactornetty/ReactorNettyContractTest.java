package io.sluice.instrumentation.reactornetty;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.netty.resources.ConnectionProvider;

/** The contract, with the pools of either order and without a pool. */
class ReactorNettyContractTest {
    @Nested
    class OldestFirst extends Contract {
        @Override
        ConnectionProvider provider() {
            return ConnectionProvider.builder("test").maxConnections(50).fifo().build();
        }
    }

    @Nested
    class YoungestFirst extends Contract {
        @Override
        ConnectionProvider provider() {
            return ConnectionProvider.builder("test").maxConnections(50).lifo().build();
        }
    }

    @ExtendWith(AlwaysTunnels.class)
    abstract static class Contract extends HttpClientContract {
        abstract ConnectionProvider provider();

        @Override
        protected ContractClient client(ContractClient.Setup setup) {
            return new ReactorClient(setup, provider());
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return thrown instanceof TimeoutException
                    && thrown.getClass().getSimpleName().equals("PoolAcquireTimeoutException");
        }
    }
}
