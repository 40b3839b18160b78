package io.sluice.instrumentation.vertx;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.util.concurrent.GenericFutureListener;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An open connection of Vert.x, and how many exchanges are on it. It holds one lease while there is one at least: that of
 * the exchange that found it idle or opened it; the leases of those who join go back at once. Thread-safe; nothing blocks.
 */
final class PooledConnection {
    /** By {@code HttpClientConnection}. */
    private static final WeakMap<Object, PooledConnection> ALL = new WeakMap<>();

    /** By the client's own lease of a connection, from when the pool has given it until it is recycled. */
    private static final WeakMap<Object, PooledConnection> BY_LEASE = new WeakMap<>();

    private final Connection connection;
    private final WeakReference<Object> client;
    /** Null for a connection that is in no pool, and leased until it is closed. */
    private final @Nullable Sharing pool;

    private final WeakReference<Object> clientPool;
    /** Up to Vert.x 4.0: where the pool keeps it. */
    private final WeakReference<Object> holder;

    private final boolean http2;

    private volatile WeakReference<Object> slot = new WeakReference<>(null);

    private int exchanges;
    /** Whether the lease with which it was opened belongs to somebody else by now; up to Vert.x 4.0. */
    private boolean leaseIsLent;
    /** Exchanges that have chosen this connection and were not given it yet. */
    private int joining;

    private PooledConnection(
            Object client,
            Connection connection,
            @Nullable Sharing pool,
            @Nullable Object clientPool,
            @Nullable Object holder) {
        this.client = new WeakReference<>(client);
        this.connection = connection;
        this.pool = pool;
        this.clientPool = new WeakReference<>(clientPool);
        this.holder = new WeakReference<>(holder);
        this.http2 = client.getClass().getSimpleName().startsWith("Http2");
    }

    /** What is known about a {@code HttpClientConnection}; null if it was opened while nobody was limited. */
    static @Nullable PooledConnection of(@Nullable Object client) {
        return ALL.get(client);
    }

    /** A connection is established; it holds the lease with which it was opened. */
    static PooledConnection opened(
            Object client,
            Connection connection,
            @Nullable Sharing pool,
            @Nullable Object clientPool,
            @Nullable Object holder)
            throws Throwable {
        PooledConnection made = new PooledConnection(client, connection, pool, clientPool, holder);
        ALL.put(client, made);
        connection.ownedBy(Owner.REFERENCE, client);
        ChannelHandlerContext handlerContext = (ChannelHandlerContext) Reflect.call(client, "channelHandlerContext");
        Channel channel = Objects.requireNonNull(handlerContext, "channel").channel();
        boolean lingers = lingers(channel);
        channel.closeFuture().addListener((GenericFutureListener<io.netty.util.concurrent.Future<Object>>)
                future -> made.closed(channel, lingers));
        if (made.http2) {
            connection.answered(false);
        }
        return made;
    }

    /** The lease with which it was opened was taken over by an exchange on another connection. */
    synchronized void lendsItsLease() {
        leaseIsLent = true;
    }

    /** The pool has given this client's lease to an exchange that {@link #begin} has let in. */
    void leased(Object clientLease) {
        BY_LEASE.put(clientLease, this);
    }

    /** Exit advice of {@code SimpleConnectionPool.recycle}. */
    static void recycled(Object clientLease) {
        PooledConnection leased = BY_LEASE.remove(clientLease);
        if (leased != null) {
            leased.end();
        }
    }

    private void closed(Channel channel, boolean lingers) {
        if (lingers && !channel.eventLoop().isShuttingDown()) {
            // With SO_LINGER the JDK closes a socket only when its selector has looked once more; a scheduled task runs
            // after that. Otherwise the end of the stream is on its way already.
            channel.eventLoop().schedule(this::gone, 1, TimeUnit.MILLISECONDS);
        } else {
            gone();
        }
    }

    /** Whether closing may reset the connection; asked while it is open, as a closed one does not say. */
    private static boolean lingers(Channel channel) {
        try {
            Integer seconds = channel.config().getOption(ChannelOption.SO_LINGER);
            return seconds != null && seconds >= 0;
        } catch (RuntimeException closedAlready) {
            return false;
        }
    }

    private void gone() {
        Lease last;
        synchronized (this) {
            last = leaseIsLent ? null : connection.lease();
        }
        connection.closed();
        ConnectionGate.release(last);
        if (pool != null) {
            synchronized (this) {
                pool.isNotShared(this);
            }
        }
    }

    /** Since Vert.x 4.1: where the pool keeps it. */
    void keptIn(@Nullable Object newSlot) {
        slot = new WeakReference<>(newSlot);
    }

    /**
     * The pool has chosen this to be evicted. It removes it only after what was asked of it in between, which must not get a
     * connection that is about to be closed.
     */
    void lendNoMore() {
        Object kept = slot.get();
        try {
            if (kept != null) {
                Reflect.set(kept, "concurrency", 0); // as the removal does itself
            }
        } catch (ReflectiveOperationException | RuntimeException fault) {
            FailOpen.report(fault);
        }
    }

    /** How many exchanges it may carry at once, as its pool knows: the connection itself may know of more a little earlier. */
    private long capacity() {
        Object held = holder.get();
        try {
            Object concurrency =
                    held != null ? Reflect.field(held, "concurrency") : Reflect.concurrencyOfSlot(slot.get());
            return concurrency instanceof Number ? ((Number) concurrency).longValue() : 0;
        } catch (Throwable unknown) {
            FailOpen.report(unknown);
            return 0;
        }
    }

    /** Reserves a place for one more exchange, if this is in use and has one left; {@link #joined} must follow. */
    boolean join() {
        long capacity = capacity();
        synchronized (this) {
            if (exchanges == 0 || connection.isClosed() || exchanges + joining >= capacity) {
                return false;
            }
            joining++;
            return true;
        }
    }

    /** Whoever reserved a place was given a connection, this or another, or none. */
    synchronized void joined() {
        joining--;
    }

    /**
     * The pool has given this connection to an exchange.
     *
     * @param lease the exchange's lease; it is taken over, or given back if this has one
     * @return false if the exchange needs a lease and has none: this was idle
     */
    boolean begin(@Nullable Lease lease) {
        Lease surplus = lease;
        boolean shareable = isShareable();
        boolean first;
        synchronized (this) {
            first = exchanges == 0;
            if (first && !connection.isClosed()) {
                if (lease == null || !lease.isHeld()) {
                    return false;
                }
                Lease before = connection.lease();
                if (connection.use(lease)) {
                    surplus = before == lease ? null : before;
                }
            } else if (lease == connection.lease()) {
                surplus = null;
            }
            exchanges++;
            if (first && pool != null && shareable) {
                pool.isShared(this);
            }
        }
        ConnectionGate.release(surplus);
        if (first && pool != null && shareable) {
            pool.sendAlong();
        }
        return true;
    }

    /**
     * The same up to Vert.x 4.0, where leases belong to the pool's waiters as a whole.
     *
     * @return false if the exchange needs a lease and there is none: this was idle
     */
    boolean begin(Vertx3Leases leases, boolean hadLease) {
        Lease surplus = null;
        boolean shareable = isShareable();
        boolean first;
        synchronized (this) {
            first = exchanges == 0;
            if (!first || connection.isClosed()) {
                surplus = hadLease ? leases.poll() : null;
            } else if (connection.lease() == null || leaseIsLent) {
                Lease taken = leases.take();
                if (taken == null) {
                    return false;
                }
                surplus = connection.use(taken) ? null : taken;
                leaseIsLent = false;
            }
            exchanges++;
            if (first && pool != null && shareable) {
                pool.isShared(this);
            }
        }
        ConnectionGate.release(surplus);
        if (first && pool != null && shareable) {
            pool.sendAlong();
        }
        return true;
    }

    /**
     * An exchange that {@link #begin} turned away has given the connection back. An eviction may have failed meanwhile, as
     * the pool had lent the connection: it is listed as idle again.
     *
     * @param token any lease
     */
    synchronized void listAgain(@Nullable Lease token) {
        if (exchanges > 0) {
            return;
        }
        Lease lent = leaseIsLent ? connection.lease() : null;
        leaseIsLent = false;
        if (lent != null) {
            connection.idle(lent);
        } else if (token != null && connection.lease() == null && connection.use(token)) {
            connection.idle(token);
        }
    }

    /** An exchange is over and the pool has its connection back. */
    void end() {
        synchronized (this) {
            exchanges--;
        }
        settle();
        sendAlong();
    }

    /** Lets those who wait go along on the pool's connections, as this has more room. */
    void sendAlong() {
        if (pool != null && isShareable()) {
            pool.sendAlong();
        }
    }

    /** Up to Vert.x 4.0 nobody waits for a place in a pipeline: a pool there does not say who gets a connection. */
    private boolean isShareable() {
        return http2 || holder.get() == null && capacity() > 1;
    }

    /** Gives the lease back if there is no exchange. */
    void settle() {
        Lease over = null;
        synchronized (this) {
            if (exchanges == 0) {
                over = connection.lease();
                if (over != null) {
                    connection.idle(over);
                }
                over = leaseIsLent ? null : over;
                leaseIsLent = false;
                if (pool != null) {
                    pool.isNotShared(this);
                }
            }
        }
        ConnectionGate.release(over);
    }

    Connection connection() {
        return connection;
    }

    @Nullable
    Object holder() {
        return holder.get();
    }

    @Nullable
    Object clientPool() {
        return clientPool.get();
    }
}
