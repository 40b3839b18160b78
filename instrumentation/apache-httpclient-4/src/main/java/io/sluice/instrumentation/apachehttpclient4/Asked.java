package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.http.conn.ConnectionPoolTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One {@code ConnectionRequest}: what it asks for, and the lease until that has a connection. Used by the thread that
 * executes the request; {@link #cancel} comes from any other.
 */
final class Asked {
    private final Ask ask;
    private final Home home;

    private volatile @Nullable Lease lease;
    private volatile boolean cancelled;
    /** What the wait has left of the client's own limit; 0 where there was no wait or is no limit. */
    private long restNanos;

    Asked(Ask ask, Home home) {
        this.ask = ask;
        this.home = home;
    }

    /**
     * Parks until the lease is granted or the wait is given up.
     *
     * @param maxWaitNanos the client's own limit; zero or less means none
     * @return this, with a lease; a {@link Refusal}; or null: go on without a lease
     */
    @Nullable
    Object acquire(long maxWaitNanos) {
        if (lease != null) {
            return null; // the second get() of a request gives the same connection once more
        }
        if (home.isTaken()) {
            // As the basic manager itself refuses; to wait for one's own connection would be to wait for ever.
            return new Refusal(new IllegalStateException("Connection is still allocated"));
        }
        Lease asked = ConnectionGate.ask(ask);
        if (asked == null) {
            return null;
        }
        try {
            lease = asked;
            if (asked.isPending()) {
                await(asked, maxWaitNanos);
            }
            if (asked.isHeld()) {
                return this;
            }
            lease = null;
            return refused(asked);
        } catch (Throwable fault) {
            asked.release();
            throw fault;
        }
    }

    private void await(Lease pending, long maxWaitNanos) {
        home.add(pending);
        try {
            if (cancelled || home.isShutDown()) {
                pending.abandon(Wait.Outcome.CANCELLED);
            }
            long startNanos = System.nanoTime();
            pending.await(ConnectionGate.maxWaitNanos(maxWaitNanos));
            restNanos = maxWaitNanos > 0 ? Math.max(1, maxWaitNanos - (System.nanoTime() - startNanos)) : 0;
        } finally {
            home.remove(pending);
        }
    }

    /** Ifs rather than a switch: that would need a synthetic class beside this one in the client's loader. */
    private @Nullable Refusal refused(Lease refused) {
        Wait.Outcome why = refused.outcome();
        if (why == Wait.Outcome.INTERRUPTED) {
            Thread.interrupted(); // who throws it clears it
            return new Refusal(new InterruptedException(refused.refusal()));
        }
        if (why != Wait.Outcome.CANCELLED) {
            return new Refusal(new ConnectionPoolTimeoutException(refused.refusal()));
        }
        // The pool, cancelled or shut down, throws by itself. The basic manager never waits, knows no cancelling, and
        // would connect.
        return home.single && cancelled
                ? new Refusal(new ExecutionException(new CancellationException(refused.refusal())))
                : null;
    }

    /** How long the client may still wait for its pool, in its own unit; never zero, which would mean for ever. */
    long rest(long timeout, TimeUnit unit) {
        return restNanos > 0 ? Math.max(1, unit.convert(restNanos, TimeUnit.NANOSECONDS)) : timeout;
    }

    /** The client has the connection of this exchange. */
    void taken(Exchange exchange) {
        Lease held = lease;
        if (held != null) {
            exchange.begin(held, home);
        }
    }

    /** The client got no connection; it may ask again. */
    void failed() {
        Lease held = lease;
        lease = null;
        ConnectionGate.release(held);
    }

    /** The request was cancelled: nobody waits for it any more. Never blocks. */
    void cancel() {
        cancelled = true;
        Lease pending = lease;
        if (pending != null) {
            pending.abandon(Wait.Outcome.CANCELLED);
        }
    }
}
