package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.TimeUnit;
import org.apache.http.conn.ConnectionPoolTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One {@code ClientConnectionRequest}: what it asks for, and the lease until that has a connection. Used by the thread that
 * executes the request; {@link #abort} comes from any other.
 */
final class Asked {
    private final Ask ask;
    private final Home home;

    private volatile @Nullable Lease lease;
    private volatile boolean aborted;
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
        if (home.isShutDown() || home.isTaken()) {
            return null; // the manager refuses by itself; to wait for one's own connection would be to wait for ever
        }
        Lease asked = ConnectionGate.ask(ask);
        if (asked == null) {
            return null;
        }
        try {
            lease = asked;
            restNanos = 0;
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
            if (aborted || home.isShutDown()) {
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
        // A pool wakes whoever is aborted as if interrupted; at a shutdown the newer one does so too, while the older
        // one
        // and the managers of one connection throw by themselves. These know no aborting either: the client finds out
        // before it connects.
        boolean asInterrupted = !home.single && (aborted || home.since42);
        return asInterrupted ? new Refusal(new InterruptedException(refused.refusal())) : null;
    }

    /** How long the client may still wait for its pool, in its own unit; never zero, which would mean for ever. */
    long rest(long timeout, TimeUnit unit) {
        return restNanos > 0 ? Math.max(1, unit.convert(restNanos, TimeUnit.NANOSECONDS)) : timeout;
    }

    /** The client has the connection of this exchange. */
    void taken(Exchange exchange) {
        Lease held = lease;
        lease = null;
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

    /** The request was aborted: nobody waits for it any more. Never blocks. */
    void abort() {
        aborted = true;
        Lease pending = lease;
        if (pending != null) {
            pending.abandon(Wait.Outcome.CANCELLED);
        }
    }
}
