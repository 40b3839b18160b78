package io.sluice.instrumentation.apachehttpclient5async;

import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.hc.client5.http.HttpRoute;
import org.jspecify.annotations.Nullable;

/** What is known of one connection manager. Does not reach it. Thread-safe; no method blocks. */
final class ManagerState {
    /** Held by whoever looks for one entry of the pool to evict: two would hide each other's from each other. */
    final ReentrantLock evictions = new ReentrantLock();

    /** The manager's own flag. */
    private final AtomicBoolean closed;
    /** Whether its pool lets several exchanges share an HTTP/2 connection (H2SharingConnPool, since 5.5). */
    private final boolean sharing;

    private final Set<GatedLease> waiting = Collections.newSetFromMap(new ConcurrentHashMap<GatedLease, Boolean>(4));
    /** The last connection of a route that the pool was seen to share. */
    private final ConcurrentHashMap<HttpRoute, Handle> shared = new ConcurrentHashMap<>(4);

    ManagerState(AtomicBoolean closed, boolean sharing) {
        this.closed = closed;
        this.sharing = sharing;
    }

    boolean isClosed() {
        return closed.get();
    }

    /** Whether an exchange can go as a further stream of a connection that is in use, as far as one can tell. */
    boolean canShare(HttpRoute route, @Nullable Object state) {
        Handle handle = sharing && state == null ? shared.get(route) : null;
        return handle != null && handle.isInUse();
    }

    /** The pool has leased a connection that it will also lease to others: those who wait for such a one need no lease. */
    void shares(HttpRoute route, @Nullable Object state, Handle handle) {
        if (!sharing || state != null) {
            return;
        }
        shared.put(route, handle);
        for (GatedLease one : waiting) {
            if (one.wouldShare(route)) {
                one.share();
            }
        }
    }

    /** Somebody waits; not for long if the manager is closed already. */
    void waits(GatedLease lease) {
        waiting.add(lease);
        if (isClosed()) {
            lease.poolIsClosed();
        }
    }

    void waitsNoMore(GatedLease lease) {
        waiting.remove(lease);
    }

    /** The manager is closed: nobody waits any longer. */
    void cancelWaiters() {
        for (GatedLease lease : waiting) {
            lease.poolIsClosed();
        }
    }
}
