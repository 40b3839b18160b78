package io.sluice.instrumentation.vertx;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for a lease on behalf of a pool, and which of its connections carry more than one exchange at once: HTTP/2, and
 * HTTP/1.1 with pipelining. Thread-safe; nothing blocks.
 */
class Sharing {
    /** Who waits. */
    interface Waiting {
        /** Goes along on a connection in use, where a place is reserved for it; false if it waits no more. */
        boolean sendAlong(PooledConnection connection);
    }

    /** In order of arrival; guarded by itself. */
    private final Set<Waiting> waiting = new LinkedHashSet<>();
    /** Connections in use that may carry further exchanges; guarded by itself. */
    private final Set<PooledConnection> shared = new LinkedHashSet<>();

    final void waits(Waiting exchange) {
        synchronized (waiting) {
            waiting.add(exchange);
        }
    }

    final void noLongerWaits(Waiting exchange) {
        synchronized (waiting) {
            waiting.remove(exchange);
        }
    }

    final List<Waiting> waiting() {
        synchronized (waiting) {
            return waiting.isEmpty() ? new ArrayList<>(0) : new ArrayList<>(waiting);
        }
    }

    final int waitingCount() {
        synchronized (waiting) {
            return waiting.size();
        }
    }

    /** This connection is in use and may have room for further exchanges. Called with its lock held. */
    final void isShared(PooledConnection connection) {
        synchronized (shared) {
            shared.add(connection);
        }
    }

    /** It is idle or closed. Called with its lock held. */
    final void isNotShared(PooledConnection connection) {
        synchronized (shared) {
            shared.remove(connection);
        }
    }

    private List<PooledConnection> shared() {
        synchronized (shared) {
            return shared.isEmpty() ? new ArrayList<>(0) : new ArrayList<>(shared);
        }
    }

    /** A connection in use on which one more exchange can go, which is counted there; null if there is none. */
    @Nullable
    final PooledConnection join() {
        for (PooledConnection connection : shared()) {
            if (connection.join()) {
                return connection;
            }
        }
        return null;
    }

    /** Lets those who wait go along on connections in use, as far as these have room. */
    final void sendAlong() {
        for (PooledConnection connection : shared()) {
            for (Waiting exchange : waiting()) {
                if (!connection.join()) {
                    break;
                }
                if (!exchange.sendAlong(connection)) {
                    connection.joined();
                }
            }
        }
    }
}
