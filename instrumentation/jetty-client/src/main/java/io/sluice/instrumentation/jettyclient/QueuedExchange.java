package io.sluice.instrumentation.jettyclient;

import io.sluice.limiter.Lease;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one exchange from the moment it joins its destination's queue. Does not reach the client's exchange,
 * beside which it is remembered.
 */
final class QueuedExchange {
    /** Where an exchange stands. */
    enum State {
        /** In the queue, for a lease. */
        WAITING,
        /** In the queue, for a connection: it has a lease, or needs none. */
        READY,
        /** On a connection, or on its way there. */
        TAKEN,
        /** Given up. */
        OVER
    }

    // Guarded by the queue.
    State state = State.WAITING;

    volatile @Nullable Lease lease;
    /** The connection that is being opened on behalf of this exchange's lease, though another exchange may get it. */
    @Nullable
    Opening opening;

    /** The connection that this exchange was sent on. */
    volatile @Nullable ConnectionUse use;
    /** Whether the client has really tied it to a connection. */
    volatile boolean associated;
}
