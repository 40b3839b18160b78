package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WatchedMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.nio.channels.SelectableChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/**
 * One connection that the client opens. Stands between the client's connecting and whoever wants the connection; the
 * client is called again, with this as the promise, once there is room. All addresses of a host are tried within it.
 * Thread-safe; nothing blocks.
 */
final class Opening implements Promise<Object>, Runnable {
    /** A client that is stopped may forget its promises. */
    private static final WatchedMap<Opening, Connection> UNDER_WAY = new WatchedMap<Opening, Connection>() {
        @Override
        protected void collected(Connection connection) {
            connection.closed();
        }
    };

    /** Whether the program asked for the connection itself, and not for its pool. */
    final boolean explicit;
    /** Whether it is to be opened though no exchange needs it. */
    final boolean wanted;

    private final ExchangeQueue queue;
    private final Promise<Object> promise;
    private final AtomicBoolean connecting = new AtomicBoolean();
    private final AtomicBoolean ended = new AtomicBoolean();

    // Guarded by the queue.
    /** Its own lease, held or not; null before it has asked, or where it does not. */
    @Nullable
    Lease own;

    private @Nullable QueuedExchange lender;
    private boolean begun;

    // Guarded by this.
    private @Nullable Lease lease;
    private @Nullable Connection counted;
    private boolean takenBack;

    Opening(ExchangeQueue queue, Promise<Object> promise, boolean explicit, boolean wanted) {
        this.queue = queue;
        this.promise = promise;
        this.explicit = explicit;
        this.wanted = wanted;
    }

    // ---- With the queue locked ----------------------------------------------------------------------------------

    void lentBy(QueuedExchange exchange) {
        lender = exchange;
        begun = true;
        setLease(exchange.lease);
    }

    void begunWith(@Nullable Lease newOwn) {
        own = newOwn;
        begun = true;
        setLease(newOwn);
    }

    /** It has no lease any more, and is held back again until it is needed. */
    void notBegun() {
        if (lender != null && lender.opening == this) {
            lender.opening = null;
        }
        lender = null;
        begun = false;
        setLease(null);
    }

    boolean isBegun() {
        return begun;
    }

    @Nullable
    QueuedExchange lender() {
        return lender;
    }

    private synchronized void setLease(@Nullable Lease newLease) {
        lease = newLease;
    }

    // ---- Waiting ------------------------------------------------------------------------------------------------

    void awaitOwn(final Lease wanted) {
        if (explicit) {
            ConnectionGate.endAfter(wanted, 0);
        }
        Runnable settled = new Runnable() {
            @Override
            public void run() {
                ownSettled(wanted);
            }
        };
        if (!wanted.whenSettled(settled)) {
            Background.executor().execute(settled);
        }
    }

    private void ownSettled(Lease settled) {
        if (settled.isHeld()) {
            if (!queue.openings.begin(this)) {
                settled.release();
            } else if (takeRoom() != Room.AWAITED) {
                connectLater();
            }
        } else if (explicit) {
            refuse(
                    settled.outcome() == Wait.Outcome.QUEUE_FULL
                            ? new RejectedExecutionException(settled.refusal())
                            : new TimeoutException(settled.refusal()));
        }
    }

    /** It goes on with another's lease, or not at all. */
    void dropOwn() {
        Lease unused;
        synchronized (queue) {
            unused = own;
            own = null;
        }
        if (unused != null && !unused.abandon(Wait.Outcome.GRANTED)) {
            unused.release();
        }
    }

    void refuse(final Throwable why) {
        queue.execute(new Runnable() {
            @Override
            public void run() {
                try {
                    promise.failed(why);
                } catch (Throwable fault) {
                    FailOpen.report(fault);
                }
            }
        });
    }

    /** What came of asking for room. */
    enum Room {
        /** There is some, or nobody counts: the caller connects. */
        TAKEN,
        /** {@link #run} goes on once there is some. */
        AWAITED,
        /** The exchange whose lease this was to be opened with went another way and is over. */
        LENDER_GONE
    }

    /** Takes room for the socket with the lease in hand. */
    Room takeRoom() {
        Connection room;
        synchronized (this) {
            room = ConnectionGate.openLater(lease, true, this);
            if (room == null && lease != null && !lease.isHeld()) {
                return Room.LENDER_GONE; // without a lease it would be opened uncounted
            }
            counted = room;
            if (takenBack && room != null && lease != null) {
                room.idle(lease);
            }
        }
        if (room != null) {
            UNDER_WAY.put(this, room);
        }
        return (room == null || !room.isPending()) && connecting.compareAndSet(false, true) ? Room.TAKEN : Room.AWAITED;
    }

    /** There is room; called in the background. */
    @Override
    public void run() {
        synchronized (this) {
            if (takenBack && counted != null && lease != null) {
                counted.idle(lease);
            }
        }
        if (connecting.compareAndSet(false, true)) {
            connectLater();
        }
    }

    void connectLater() {
        queue.execute(new Runnable() {
            @Override
            public void run() {
                try {
                    JettyTypes.newConnection(queue.destination(), Opening.this);
                } catch (Throwable failure) {
                    failed(failure);
                }
            }
        });
    }

    /** The exchange whose lease this was opened with goes on another connection, and takes its lease along. */
    synchronized void takeBack() {
        if (!takenBack && !ended.get()) {
            takenBack = true;
            if (counted != null && lease != null) {
                counted.idle(lease);
            }
        }
    }

    // ---- The answer ---------------------------------------------------------------------------------------------

    @Override
    public void succeeded(Object connection) {
        if (!ended.compareAndSet(false, true)) {
            promise.succeeded(connection);
            return;
        }
        Lease opener = null;
        try {
            opener = opened(connection);
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
        try {
            promise.succeeded(connection);
        } finally {
            ConnectionUse use = JettyHooks.use(connection);
            if (use != null && opener != null) {
                use.pooled(opener);
            }
            queue.openings.ended(this);
        }
    }

    /** Returns the lease that it was opened with, or null where nobody counts it. */
    private @Nullable Lease opened(Object connection) {
        Connection open;
        Lease with;
        synchronized (this) {
            open = counted;
            with = lease;
        }
        if (open == null || with == null) {
            return null;
        }
        UNDER_WAY.remove(this);
        SelectableChannel channel = JettyTypes.channel(connection);
        ConnectionUse use =
                new ConnectionUse(open, JettyTypes.isMultiplexed(connection), explicit, channel != null, queue);
        JettyHooks.opened(connection, use);
        open.ownedBy(ConnectionCloser.REFERENCE, connection);
        if (channel != null) {
            Sockets.opened(channel, open);
            if (!channel.isOpen()) {
                Sockets.closed(channel);
            }
        }
        if (!explicit) {
            queue.opened(use);
            open.idle(with);
            Lease mine;
            synchronized (queue) {
                mine = own;
            }
            ConnectionGate.release(mine);
        }
        return with;
    }

    @Override
    public void failed(Throwable failure) {
        if (ended.compareAndSet(false, true)) {
            UNDER_WAY.remove(this);
            Lease mine;
            synchronized (queue) {
                mine = own;
            }
            synchronized (this) {
                if (counted != null) {
                    if (lease != null) {
                        counted.idle(lease); // or the lease of an exchange that goes on would end with it
                    }
                    counted.closed();
                }
            }
            ConnectionGate.release(mine);
        }
        try {
            promise.failed(failure);
        } finally {
            queue.openings.ended(this);
        }
    }
}
