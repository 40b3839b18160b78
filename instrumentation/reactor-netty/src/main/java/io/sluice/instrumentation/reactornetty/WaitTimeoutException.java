package io.sluice.instrumentation.reactornetty;

import java.time.Duration;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquireTimeoutException;

/** The exception of a pool that had no connection in time, with a message that says for what it was waited. */
final class WaitTimeoutException extends PoolAcquireTimeoutException {
    private static final long serialVersionUID = 1;

    private final String refusal;

    WaitTimeoutException(Duration waited, String refusal) {
        super(waited);
        this.refusal = refusal;
    }

    @Override
    public String getMessage() {
        return refusal;
    }
}
