package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Who waits on behalf of a pool. Does not reach it. Thread-safe; no method blocks. */
final class PoolState {
    private final Set<Lease> waiting = Collections.newSetFromMap(new ConcurrentHashMap<Lease, Boolean>(4));

    void waits(Lease lease) {
        waiting.add(lease);
    }

    void waitsNoMore(Lease lease) {
        waiting.remove(lease);
    }

    /** The pool is shut down: nobody waits any longer. */
    void cancelWaiters() {
        for (Lease lease : waiting) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }
}
