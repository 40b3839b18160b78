package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.Background;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpConnection;
import org.apache.http.nio.pool.AbstractNIOConnPool;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/**
 * What is known of an entry of a pool: its connection, and whose it is now. Does not reach the entry or the pool. Its lock
 * is taken with the pool's own lock held, never the other way round.
 */
final class Kept {
    /** As long as HttpCore 4.4 itself lets the closing of a TLS session take (SSLIOSession). */
    private static final long CLOSING_MILLIS = 1000;

    private final WeakReference<AbstractNIOConnPool<?, ?, ?>> pool;
    private final WeakReference<PoolEntry<?, ?>> entry;
    /** Null where it was opened when there was no limit, and so is not counted. */
    final @Nullable Connection connection;
    /** Of the exchange that has the entry. */
    private @Nullable Lease lease;

    private boolean given;
    /** Of the exchange that had it last, or for which it was opened. */
    private @Nullable Lease latest;

    Kept(Ticket ticket, PoolEntry<?, ?> entry, Connection connection) {
        this.pool = ticket.pool;
        this.entry = new WeakReference<PoolEntry<?, ?>>(entry);
        this.connection = connection;
        this.latest = ticket.lease;
        connection.ownedBy(KeptOwner.REFERENCE, this);
    }

    Kept(AbstractNIOConnPool<?, ?, ?> pool, PoolEntry<?, ?> entry) {
        this.pool = new WeakReference<AbstractNIOConnPool<?, ?, ?>>(pool);
        this.entry = new WeakReference<PoolEntry<?, ?>>(entry);
        this.connection = null;
    }

    /** The pool gave the entry to an exchange. */
    synchronized void usedBy(Lease newLease) {
        given = true;
        lease = newLease;
        latest = newLease;
        if (connection != null) {
            connection.use(newLease);
        }
    }

    /** The pool has got the entry, and is done with telling whose it is. */
    synchronized void opened() {
        if (!given) {
            idle(null);
        }
    }

    /** The entry is about to go back: returns whose it was, or null where no exchange of ours had it. */
    synchronized @Nullable Lease releasing() {
        Lease former = lease;
        lease = null;
        return former;
    }

    /** The entry lies in the pool. The exchange that had it is told by its lease; null: none of ours had it. */
    synchronized void idle(@Nullable Lease former) {
        Lease last = latest;
        if (connection == null || last == null) {
            return;
        }
        if (former != null) {
            connection.idle(former);
        } else if (lease == null && !connection.isIdle() && !connection.isClosed()) {
            // The pool had it for a request that was cancelled meanwhile. Nobody used it; an eviction may have missed
            // it.
            connection.use(last);
            connection.idle(last);
        }
    }

    /**
     * Closes the connection if nobody has it: the entry expires now, and the pool closes what is expired and available. Who
     * leases it between the two gets another one, and a manager that takes an entry back sets its expiry anew.
     */
    boolean evict() {
        AbstractNIOConnPool<?, ?, ?> from = pool.get();
        PoolEntry<?, ?> idle = entry.get();
        if (from == null || idle == null) {
            return false;
        }
        idle.updateExpiry(1, TimeUnit.NANOSECONDS); // 0 would mean never; less than a millisecond means now
        from.closeExpired();
        // While it looked through its entries, the pool may have put answers aside that it gives only in other methods.
        Background.executor().execute(from::validatePendingRequests);
        boolean closing = idle.isClosed();
        if (closing) {
            isClosing();
        }
        return closing;
    }

    /**
     * The client has closed the entry's connection. A TLS session stays open until the peer has said farewell, and in HttpCore
     * 4.3 with TLS 1.3 for ever, so it is shut down when it takes too long.
     */
    void isClosing() {
        Connection open = connection;
        PoolEntry<?, ?> closing = entry.get();
        Object client = closing == null ? null : closing.getConnection();
        if (open == null || open.isClosed() || !(client instanceof HttpConnection)) {
            return;
        }
        Background.executor()
                .schedule(
                        () -> {
                            if (!open.isClosed()) {
                                shutDown((HttpConnection) client);
                            }
                        },
                        CLOSING_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    private static void shutDown(HttpConnection client) {
        try {
            client.shutdown();
        } catch (IOException e) {
            // Shut down all the same.
        }
    }
}
