package io.sluice.instrumentation.okhttp;

import io.sluice.limiter.Wait;
import io.sluice.limiter.Waiter;
import org.jspecify.annotations.Nullable;

/** Something that a thread of a call waits for, and that ends when the call is cancelled. Thread-safe. */
final class Attempt {
    private volatile boolean cancelled;
    private volatile @Nullable Waiter waiting;

    /**
     * Parks the calling thread until there is an answer.
     *
     * @param maxWaitNanos the longest wait; zero or less means no limit
     */
    boolean await(Waiter waiter, long maxWaitNanos) {
        begin(waiter);
        try {
            return waiter.await(maxWaitNanos);
        } finally {
            waiting = null;
        }
    }

    /** The same without a limit; an interrupt is kept for later. */
    boolean awaitUninterruptibly(Waiter waiter) {
        begin(waiter);
        try {
            return waiter.awaitUninterruptibly(0);
        } finally {
            waiting = null;
        }
    }

    /** Parks nobody yet; but it can be ended from now on. */
    void begin(Waiter waiter) {
        waiting = waiter;
        if (cancelled) {
            waiter.abandon(Wait.Outcome.CANCELLED);
        }
    }

    boolean isCancelled() {
        return cancelled;
    }

    /** Nobody waits for it any more. Never blocks. */
    void cancel() {
        cancelled = true;
        end();
    }

    /** Ends the wait that is under way, if there is one; whether this call did. Never blocks. */
    boolean end() {
        Waiter now = waiting;
        return now != null && now.abandon(Wait.Outcome.CANCELLED);
    }
}
