package io.sluice.instrumentation.vertx;

import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The leases of the exchanges that wait in one pool of Vert.x 3 or 4.0. The pool connects for all its waiters together, and
 * gives a connection to the first of them, so that a lease belongs to whoever gets a connection, or to a connection that is
 * being opened. Thread-safe; nothing blocks.
 */
final class Vertx3Leases {
    private static final WeakMap<Object, Vertx3Leases> ALL = new WeakMap<>();

    private final Deque<Lease> free = new ArrayDeque<>(2);
    private final Set<Vertx3Opening> openings = new LinkedHashSet<>();
    private volatile @Nullable Vertx3Endpoint endpoint;

    static Vertx3Leases of(Object clientPool) {
        Vertx3Leases known = ALL.get(clientPool);
        return known == null ? ALL.putIfAbsent(clientPool, new Vertx3Leases()) : known;
    }

    /** Whom the pool connects to; null before its first waiter has come. */
    @Nullable
    Vertx3Endpoint endpoint() {
        return endpoint;
    }

    /** An exchange comes into the pool. */
    synchronized void add(Vertx3Endpoint newEndpoint, @Nullable Lease lease) {
        endpoint = newEndpoint;
        if (lease != null) {
            free.add(lease);
            handOver();
        }
    }

    /**
     * A connection that is to be opened need not wait for a lease while a waiter of the pool has one. It must not: the pool
     * may have nobody else connect for that waiter.
     */
    synchronized void handOver() {
        int left = free.size();
        for (Vertx3Opening opening : openings) {
            Lease its = left == 0 ? null : opening.lease();
            if (its != null && its.isPending() && its.abandon(Wait.Outcome.CANCELLED)) {
                left--;
            }
        }
    }

    /** The pool did not take it. */
    synchronized void remove(@Nullable Lease lease) {
        free.remove(lease);
    }

    /** One that no connection is being opened with; null if there is none. */
    synchronized @Nullable Lease poll() {
        return free.poll();
    }

    /** The same; if there is none, that of a connection that is still being opened. */
    synchronized @Nullable Lease take() {
        Lease first = free.poll();
        for (Vertx3Opening opening : openings) {
            if (first != null) {
                break;
            }
            Lease its = opening.lease();
            if (its != null && its.isHeld()) {
                opening.loseLease();
                first = its;
            }
        }
        return first;
    }

    synchronized void opens(Vertx3Opening opening) {
        openings.add(opening);
    }

    /** A connection is open, or could not be opened: nobody takes its lease any more. */
    synchronized void opened(Vertx3Opening opening) {
        openings.remove(opening);
    }
}
