package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import org.jspecify.annotations.Nullable;

/**
 * Where the client keeps one connection, and who uses it. The first user's lease is the connection's own for as long as
 * anybody uses it: whoever joins needs none, and one that it has brought along goes back at once. So an HTTP/2 connection is
 * leased while it carries a stream. A connection of HTTP/1.1 has one user, or two for a moment, where the pool has leased it
 * again before the hook on its return has run. Thread-safe; no method but {@link #evict} and {@link #closeLost} calls the
 * client.
 */
abstract class Handle {
    private int users;
    private @Nullable Lease lease;
    private @Nullable Connection connection;

    /**
     * An exchange begins to use the connection, or the place where there will be one.
     *
     * @param brought the exchange's lease; null: it has none, and can only join others
     * @return false if it has none and nobody uses the connection: it must ask for one
     */
    final boolean join(@Nullable Lease brought) {
        Lease surplus = null;
        synchronized (this) {
            if (users > 0) {
                surplus = brought;
            } else if (brought == null) {
                return false;
            } else {
                lease = brought;
                if (connection != null) {
                    connection.use(brought);
                }
            }
            users++;
        }
        ConnectionGate.release(surplus);
        return true;
    }

    /** An exchange that has joined is over. */
    final void leave() {
        Lease ended = null;
        synchronized (this) {
            users--;
            if (users == 0) {
                ended = lease;
                lease = null;
                if (ended != null && connection != null) {
                    connection.idle(ended);
                }
            }
        }
        ConnectionGate.release(ended);
    }

    /** Whether an exchange uses the connection, so that others may join. */
    final synchronized boolean isInUse() {
        return users > 0;
    }

    /** The lease with which the connection is used now, or null while nobody uses it. */
    final synchronized @Nullable Lease lease() {
        return lease;
    }

    /** A connection was opened; {@code kept} is what the client has got. */
    void opened(Connection opened, @Nullable Object kept) {
        opened.ownedBy(HandleOwner.REFERENCE, this);
        synchronized (this) {
            connection = opened;
            Lease former = opened.lease();
            if (users == 0 && former != null) {
                opened.idle(former); // all have gone while it was opened
            } else if (lease != null && lease != former) {
                opened.use(lease); // for whom it was opened has gone, and others have come
            }
        }
    }

    /** The connection; null where none was opened yet. */
    final synchronized @Nullable Connection connection() {
        return connection;
    }

    /** Whether the connection is closed by now, or was never there. */
    final boolean isClosed() {
        Connection kept = connection();
        return kept == null || kept.isClosed();
    }

    /** Closes the connection if nobody uses it; false if somebody does. Does not wait for the end of closing. */
    abstract boolean evict() throws Exception;

    /** Closes a connection whose user the program has lost. */
    abstract void closeLost();
}
