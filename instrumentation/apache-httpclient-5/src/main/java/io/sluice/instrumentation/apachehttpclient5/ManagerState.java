package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/** What is known of one connection manager. Does not reach it. Thread-safe; no method blocks. */
final class ManagerState {
    /** Held by whoever looks for one entry of the pool to evict: two would hide each other's from each other. */
    final ReentrantLock evictions = new ReentrantLock();

    /** The manager's own flag. */
    private final AtomicBoolean closed;

    private final Set<Lease> waiting = Collections.newSetFromMap(new ConcurrentHashMap<Lease, Boolean>(4));

    ManagerState(AtomicBoolean closed) {
        this.closed = closed;
    }

    boolean isClosed() {
        return closed.get();
    }

    /** Somebody waits; not for long if the manager is closed already. */
    void waits(Lease lease) {
        waiting.add(lease);
        if (isClosed()) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }

    void waitsNoMore(Lease lease) {
        waiting.remove(lease);
    }

    /** The manager is closed: nobody waits any longer. */
    void cancelWaiters() {
        for (Lease lease : waiting) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }
}
