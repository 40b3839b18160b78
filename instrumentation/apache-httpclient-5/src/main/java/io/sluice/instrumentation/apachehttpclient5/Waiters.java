package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/** The leases that are waited for on behalf of one manager. Thread-safe; no method blocks. */
final class Waiters {
    private final Set<Lease> waiting = Collections.newSetFromMap(new ConcurrentHashMap<Lease, Boolean>(4));

    /** Somebody waits; not for long if the manager is closed already. */
    void add(Lease lease, AtomicBoolean closed) {
        waiting.add(lease);
        if (closed.get()) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }

    void remove(Lease lease) {
        waiting.remove(lease);
    }

    /** The manager is closed: nobody waits any longer. */
    void cancelAll() {
        for (Lease lease : waiting) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }
}
