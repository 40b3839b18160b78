package io.sluice.limiter;

import java.lang.ref.WeakReference;
import org.jspecify.annotations.Nullable;

/**
 * One open connection, from the moment somebody wants to open it to the moment its socket is closed: the unit that is
 * counted. It takes its room at the server, the proxy and the total before the socket is opened.
 *
 * <pre>
 *  (room granted)        idle()             claimed
 *  ------------&gt; LEASED &lt;------&gt; IDLE --------------&gt; EVICTING
 *                  |      use()    |                    |  ^ use(): the client was quicker
 *                  +---------------+---- closed() ------+--&gt; CLOSED
 * </pre>
 *
 * <p>A victim that its client neither closes nor uses is IDLE again.
 *
 * <p>A plainly proxied connection counts at the proxy alone: it may carry the next request to any server. Locks: {@code
 * this} may be held while a limiter's lock is taken, never the other way round.
 */
public final class Connection extends Waiter {
    private enum Use {
        LEASED,
        IDLE,
        EVICTING,
        CLOSED
    }

    private static final WeakReference<Object> NOTHING = new WeakReference<>(null);
    private static final int TOTAL = 2;

    private final @Nullable ConnectionLimiter[] counted = new ConnectionLimiter[TOTAL + 1];
    private final boolean endsLease;

    private Use use = Use.LEASED;
    private @Nullable Lease lease;
    /** For whom this is being evicted. */
    private @Nullable Room evictedFor;
    /** Counts evictions: the one before may still be under way when the client has used this and laid it down again. */
    private int evictions;
    // Weak, so that a client that the program lost is collected with its sockets as without us.
    private WeakReference<?> handle = NOTHING;
    private WeakReference<? extends ConnectionOwner> owner = new WeakReference<>(null);

    Connection(LimiterTable table, Lease lease, boolean endsLease) {
        super(table);
        this.lease = lease;
        this.endsLease = endsLease;
        Ask ask = lease.ask();
        counted[0] = ask.isPlainlyProxied() ? null : lease.server();
        counted[1] = lease.proxy();
        lease.uses(this);
    }

    @Override
    int stages() {
        return counted.length;
    }

    @Override
    Answer take(int wanted) {
        if (wanted == TOTAL && table.hasTotalLimit()) {
            counted[TOTAL] = table.limiter(Destination.TOTAL);
        }
        ConnectionLimiter limiter = counted[wanted];
        return limiter == null || limiter.room.reserve(this) ? Answer.TAKEN : Answer.QUEUED;
    }

    @Override
    boolean leaveQueue(int stage) {
        ConnectionLimiter limiter = counted[stage];
        return limiter != null && limiter.room.leave(this);
    }

    @Override
    void giveBack(int stage) {
        ConnectionLimiter limiter = counted[stage];
        if (limiter != null) {
            limiter.room.freed(false);
        }
    }

    @Override
    void queued(int queuedStage, boolean onGrant) {
        table.needsCare();
        ConnectionLimiter limiter = counted[queuedStage];
        if (onGrant && limiter != null) {
            table.inBackground(limiter.room.makeRoomTask); // the opener has looked for room before it was queued here
        }
    }

    /** Closes idle connections on the opener's own thread. */
    @Override
    void help() {
        for (ConnectionLimiter limiter : counted) {
            if (limiter != null) {
                limiter.room.makeRoom();
            }
        }
    }

    /** Room was not to be had at once: has idle connections closed in the background, for callers that do not park. */
    public void makeRoomInBackground() {
        for (ConnectionLimiter limiter : counted) {
            if (limiter != null) {
                table.inBackground(limiter.room.makeRoomTask);
            }
        }
    }

    /**
     * Tells where the client keeps this connection, so that it can be closed or finished from outside. Both are held
     * weakly: the owner must be reachable from the client's own class.
     */
    public synchronized void ownedBy(WeakReference<? extends ConnectionOwner> newOwner, Object newHandle) {
        owner = newOwner;
        if (handle.get() != newHandle) {
            handle = new WeakReference<>(newHandle);
        }
    }

    /**
     * The client took this connection out of its pool for an exchange. Never blocks.
     *
     * @return false if it is closed already; the client will notice by itself
     */
    public boolean use(Lease newLease) {
        Room wanting;
        synchronized (this) {
            if (use == Use.CLOSED) {
                return false;
            }
            leaveIdle();
            wanting = missEviction();
            use = Use.LEASED;
            lease = newLease;
            newLease.uses(this);
        }
        if (wanting != null) {
            table.inBackground(wanting.makeRoomTask); // whoever evicted this may have been told that it will be closed
        }
        return true;
    }

    /**
     * The client put this connection back into its pool after the exchange of {@code formerLease}. Does nothing if another
     * exchange took it since: a pool may lease a connection again before the hook of the first runs. Never blocks. The
     * lease itself is given back by the caller, afterwards.
     */
    public void idle(Lease formerLease) {
        boolean wanted = false;
        synchronized (this) {
            if (use != Use.LEASED || lease != formerLease || !isGranted()) {
                return;
            }
            use = Use.IDLE;
            lease = null;
            for (ConnectionLimiter limiter : counted) {
                wanted |= limiter != null && limiter.room.addIdle(this);
            }
        }
        if (wanted) {
            makeRoomInBackground();
        }
    }

    /** Its socket is really closed: the room goes to the next who wants to open one. Idempotent, never blocks. */
    public void closed() {
        Lease ended;
        Room evictor;
        synchronized (this) {
            if (use == Use.CLOSED) {
                return;
            }
            leaveIdle();
            use = Use.CLOSED;
            ended = lease;
            lease = null;
            evictor = evictedFor;
            evictedFor = null;
        }
        // In this order: while it is pending, room may be granted at any time.
        if (!abandon(Wait.Outcome.CANCELLED) && isGranted()) {
            for (ConnectionLimiter limiter : counted) {
                if (limiter != null) {
                    limiter.room.freed(limiter.room == evictor);
                }
            }
        }
        if (ended != null && endsLease) {
            ended.release();
        }
    }

    /** With {@code this} held. */
    private void leaveIdle() {
        if (use == Use.IDLE) {
            for (ConnectionLimiter limiter : counted) {
                if (limiter != null) {
                    limiter.room.removeIdle(this);
                }
            }
        }
    }

    /** Closes this idle connection through its client, for {@code wanting}; called without locks. */
    void evict(Room wanting) {
        ConnectionOwner client;
        Object target;
        int eviction;
        synchronized (this) {
            if (use != Use.IDLE) {
                wanting.evictionMissed();
                return;
            }
            leaveIdle();
            use = Use.EVICTING;
            evictedFor = wanting;
            eviction = ++evictions;
            client = owner.get();
            target = handle.get();
        }
        boolean closing = false;
        try {
            closing = client != null && target != null && client.evict(target);
        } catch (Throwable fault) {
            table.fault(fault);
        }
        if (!closing) {
            synchronized (this) {
                if (evictions == eviction) {
                    backToIdle();
                }
            }
        }
    }

    /**
     * A client that had promised to close this idle connection has not, for somebody had it at that moment: for owners that
     * hear of it late. Never blocks.
     */
    public void notEvicted() {
        Room wanting;
        synchronized (this) {
            wanting = backToIdle();
        }
        if (wanting != null) {
            table.inBackground(wanting.makeRoomTask);
        }
    }

    /**
     * The client was quicker and has taken it, or will close it by itself; or another looked through the pool and had it in
     * hand for a moment, and it lies there still. It is listed again, but not tried again at once. With {@code this} held.
     *
     * @return for whom another victim is to be looked for, if there is any; null for nobody
     */
    private @Nullable Room backToIdle() {
        if (use != Use.EVICTING) {
            return null;
        }
        use = Use.IDLE;
        for (ConnectionLimiter limiter : counted) {
            if (limiter != null) {
                limiter.room.addReluctant(this);
            }
        }
        return missEviction();
    }

    /** Returns for whom another victim is to be looked for, if there is any; null for nobody. With {@code this} held. */
    private @Nullable Room missEviction() {
        Room missed = evictedFor;
        evictedFor = null;
        return missed != null && missed.evictionMissed() ? missed : null;
    }

    /** Lets the client finish a response that nobody reads; called without locks. */
    boolean finish() {
        ConnectionOwner client;
        Object target;
        synchronized (this) {
            if (use != Use.LEASED) {
                return false;
            }
            client = owner.get();
            target = handle.get();
        }
        try {
            return client != null && target != null && client.finish(target);
        } catch (Throwable fault) {
            table.fault(fault);
            return false;
        }
    }

    /** The lease of the exchange that uses this connection, or null while it is idle or closed. */
    public synchronized @Nullable Lease lease() {
        return lease;
    }

    /** Whether its socket is closed, or was never opened. */
    public synchronized boolean isClosed() {
        return use == Use.CLOSED;
    }

    /** Whether it lies in its client's pool, held by nobody. */
    public synchronized boolean isIdle() {
        return use == Use.IDLE;
    }

    /**
     * Tells the HTTP version of a response on this connection. It is the next hop's: the server's when direct or through a
     * tunnel, the proxy's when plainly proxied (RFC 9110 section 2.5).
     *
     * @param http10 whether the status line began with {@code HTTP/1.0}
     */
    public void answered(boolean http10) {
        ConnectionLimiter server = counted[0];
        if (server != null) {
            server.answered(http10);
        }
    }

    /** Counts a connection that was opened before there was a total limit; called without locks. */
    void adopt(ConnectionLimiter total) {
        synchronized (this) {
            if (use == Use.CLOSED || counted[TOTAL] != null || !isGranted()) {
                return;
            }
            counted[TOTAL] = total;
            total.room.adopt(this, use == Use.IDLE);
        }
    }
}
