package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who uses one connection of the client. An HTTP/1.1 connection has the lease of its exchange; an HTTP/2 connection that of
 * the exchange that found it without a stream, until it has none again.
 *
 * <p>Locks: {@code this} may be held while the limiter is asked; the client's code is never called with it. Thread-safe;
 * nothing blocks. Does not reach the client's connection.
 */
final class ConnectionUse {
    final Connection counted;
    final boolean multiplexed;
    /** Whether the program asked for this connection itself: then it may send on it at any time, until it closes it. */
    final boolean explicit;
    /** Whether the end of the connection can be seen by its socket. */
    final boolean hasSocket;

    // Weak: it reaches the client's connection, beside which this is remembered.
    private final WeakReference<ExchangeQueue> queue;
    private final Set<QueuedExchange> exchanges = new HashSet<>(4);
    /** Whether the client has it in its pool: one that is closed before would stay there for ever. */
    private boolean pooled;
    /** Chosen to be closed for somebody else. */
    private boolean evicted;
    /** A lease that was used here: what is over may still stand for the connection on its way back to idle. */
    private @Nullable Lease last;

    ConnectionUse(Connection counted, boolean multiplexed, boolean explicit, boolean hasSocket, ExchangeQueue queue) {
        this.counted = counted;
        this.multiplexed = multiplexed;
        this.explicit = explicit;
        this.hasSocket = hasSocket;
        this.queue = new WeakReference<>(queue);
    }

    /** The queue of the connection's destination, or null if the program has lost its client. */
    @Nullable
    ExchangeQueue queue() {
        return queue.get();
    }

    /**
     * An exchange is about to be sent on this connection; {@link #begin} must follow, or {@link #end}.
     *
     * @return false: it is being closed for somebody else
     */
    synchronized boolean enter(QueuedExchange exchange) {
        if (evicted) {
            return false;
        }
        exchanges.add(exchange);
        return true;
    }

    /** The exchange has its lease, or goes without one. */
    void begin(QueuedExchange exchange, @Nullable Lease lease) {
        Lease surplus = null;
        boolean late = false;
        synchronized (this) {
            exchange.use = this;
            if (exchanges.size() > 1 && counted.lease() != null) {
                surplus = lease;
            } else if (lease != null) {
                last = lease;
                surplus = counted.use(lease) ? null : lease; // closed: the exchange will fail, or ask again
            } else {
                late = true;
            }
        }
        ConnectionGate.release(surplus);
        if (late) {
            askLate(exchange);
        }
    }

    /**
     * An exchange was let go as a further stream of a connection that has become idle meanwhile: it is on its way, so the
     * lease can only follow.
     */
    private void askLate(final QueuedExchange exchange) {
        ExchangeQueue asking = queue.get();
        final Lease lease = asking == null ? null : asking.ask();
        if (lease == null) {
            return;
        }
        Runnable use = new Runnable() {
            @Override
            public void run() {
                followed(exchange, lease);
            }
        };
        if (!lease.whenSettled(use)) {
            use.run();
        }
    }

    private void followed(QueuedExchange exchange, Lease lease) {
        synchronized (this) {
            if (lease.isHeld() && exchanges.contains(exchange) && counted.lease() == null && counted.use(lease)) {
                return;
            }
        }
        ConnectionGate.release(lease);
    }

    /** An exchange is over, or was not sent after all. Without an exchange the connection is idle. */
    void end(QueuedExchange exchange) {
        Lease over = null;
        synchronized (this) {
            if (exchanges.remove(exchange) && exchanges.isEmpty() && !explicit) {
                over = counted.lease();
                if (over != null) {
                    counted.idle(over);
                } else {
                    becomeIdle();
                }
            }
        }
        ConnectionGate.release(over);
    }

    /** The exchange was not sent, and keeps its lease for another connection. */
    synchronized void leave(QueuedExchange exchange, @Nullable Lease lease) {
        if (exchanges.remove(exchange) && lease != null && counted.lease() == lease) {
            counted.idle(lease);
        }
    }

    /** An HTTP/1.1 connection is about to go back to its pool. Returns the lease that is over then. */
    synchronized @Nullable Lease returning() {
        exchanges.clear();
        return counted.lease();
    }

    /** It went back; somebody may have taken it since. */
    void returned(@Nullable Lease lease) {
        synchronized (this) {
            if (lease != null) {
                counted.idle(lease);
            } else if (exchanges.isEmpty()) {
                becomeIdle();
            }
        }
        ConnectionGate.release(lease);
    }

    /**
     * The client has put the new connection into its pool, and may have sent an exchange on it.
     *
     * @param opener the lease that it was opened with
     */
    synchronized void pooled(Lease opener) {
        pooled = true;
        last = last == null ? opener : last;
        if (!explicit && exchanges.isEmpty()) {
            becomeIdle();
        }
    }

    /**
     * A connection without a lease is idle to the limiter, which may have wanted to close it while it was on its way to or
     * from an exchange, and was turned away: then it must be told again. With {@code this} held.
     */
    private void becomeIdle() {
        if (last != null && counted.lease() == null && !counted.isIdle()) {
            counted.use(last);
            counted.idle(last);
        }
    }

    synchronized int exchanges() {
        return exchanges.size();
    }

    /** Whether an exchange could go on this connection of the pool that has none now. */
    synchronized boolean isFree() {
        return pooled && !evicted && exchanges.isEmpty() && !counted.isClosed();
    }

    /** Whether a further exchange may go on this connection without a lease of its own. */
    synchronized boolean isActive() {
        return !evicted && !exchanges.isEmpty() && !counted.isClosed();
    }

    /** Chooses this connection to be closed; false if it is in use. */
    synchronized boolean evict() {
        if (explicit || !pooled || !exchanges.isEmpty()) {
            return false;
        }
        evicted = true;
        return true;
    }
}
