package io.sluice.instrumentation.reactornetty;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquireTimeoutException;

/** How a wait ends that was too long. Stateless. */
final class WaitTimeouts {
    private WaitTimeouts() {}

    /** The exception of a pool that had no connection in time. Its text is always the same; the cause has the figures. */
    static PoolAcquireTimeoutException after(Duration waited, String refusal) {
        PoolAcquireTimeoutException timeout = new PoolAcquireTimeoutException(waited);
        timeout.initCause(new TimeoutException(refusal));
        return timeout;
    }
}
