package io.sluice.limiter;

import io.sluice.limiter.Waiter.Answer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/*
 * Idea. Two counters for one destination. Leases: granted exchanges, first come first served, taken before the client
 * looks into its own pool. Open connections (see Room): sockets, idle ones included, taken before one is opened and given
 * back when it is really closed. A holder of a lease has at most one socket. So whoever holds a lease and finds no room for
 * a socket knows that some open connection is idle, or about to become so: it is closed, and the room handed over.
 *
 * Invariants.
 *   leasesNeverPassTheLimit        leases.size() <= limit, but for leases granted before the limit was lowered
 *   openNeverPassesTheLimit        open <= max(limit, leases.size()): every holder may have one socket
 *   nobodyWaitsWhileOneCouldGo     no waiter that could use a lease stands in the queue while leases.size() < limit
 *   grantsInArrivalOrder           among those who can go, the first in the queue is granted first; newcomers queue too
 *   everyGrantHasOneOwner          what is handed to a waiter that gave up goes on to the next
 *
 * Where the order is decided: in one place, nextGrant(), under the lock; acquire() checks and queues in one locked step.
 *
 * Lock rule. The lock guards every mutable field here, is held for a few instructions, and no other lock is taken while it
 * is held. Decide under it, act after it: waiters are told, connections closed and listeners called when it is free.
 * Waiter.this, which is Connection.this, may be held when it is taken.
 *
 * Lost races. A waiter that gave up while its grant was on the way does not accept it (Waiter.granted): it goes on to the
 * next. Between a change that lets a waiter go and the hand-off that follows, a newcomer queues (somebodyGoesBefore). A
 * victim that its client took meanwhile is a miss (evictionMissed): the next victim is looked for, and when none is there,
 * the next connection to become idle or closed makes the room. A victim that nobody took after all is listed again, and
 * tried again when another becomes idle or when the watcher looks.
 *
 * Changing a limit. More room: hand off until it is used up. Less room: nobody is interrupted and nobody waits for it; the
 * excess drains, idle connections first, closed in the background.
 */

/** Who may connect to one destination now, and who waits. Thread-safe; no method blocks. */
final class ConnectionLimiter {
    final Destination destination;

    private final LimiterTable table;
    private final ReentrantLock lock = new ReentrantLock();
    /** The open connections; guarded by the same lock. */
    final Room room;

    private final ArrayList<Lease> leases = new ArrayList<>(4);
    private final LinkedHashSet<Lease> pending = new LinkedHashSet<>();

    private int limit;
    private boolean enforced;
    private volatile boolean http10;
    private boolean forgotten;
    private boolean used = true;
    /** Counts releases, so that a watcher sees whether anything moved. */
    private long releases;

    private long wouldHaveWaited;

    /** What only the watcher's thread touches. */
    final StallWatch stallWatch = new StallWatch();

    ConnectionLimiter(LimiterTable table, Destination destination) {
        this.table = table;
        this.destination = destination;
        this.room = new Room(this, lock, table);
        readLimits();
    }

    // ---- Leases -------------------------------------------------------------------------------------------------

    /** Grants if nobody stands in the queue; never queues. */
    boolean acquireAtOnce(Lease lease) {
        lock.lock();
        try {
            if (forgotten || !pending.isEmpty() || !hasLease() || !poolTakes(lease)) {
                return false;
            }
            grant(lease);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Grants or queues, in one locked step: a newcomer goes at once only if nobody before it could go. */
    Answer acquire(Lease lease) {
        lock.lock();
        try {
            if (forgotten) {
                return Answer.FORGOTTEN;
            }
            lease.arrived(limitKind(), limit, pending.size());
            if (hasLease() && !somebodyGoesBefore(lease) && poolTakes(lease)) {
                grant(lease);
                return Answer.TAKEN;
            }
            if (pending.size() >= table.limits().maxPending() && !lease.hasQueued()) {
                return Answer.QUEUE_FULL;
            }
            pending.add(lease);
            return Answer.QUEUED;
        } finally {
            lock.unlock();
        }
    }

    /** Whether a waiter could go now: then whoever made that so is about to hand off. With the lock held. */
    private boolean somebodyGoesBefore(Lease newcomer) {
        for (Lease first : pending) {
            Pool pool = poolOf(first);
            if (pool == null || !isRouteFull(first) && (pool == newcomer.ask.pool || pool.hasPlace())) {
                return true;
            }
        }
        return false;
    }

    /** Takes the first waiter that can go out of the queue and gives it a lease. With the lock held. */
    private @Nullable Lease nextGrant() {
        if (pending.isEmpty() || !hasLease()) {
            return null;
        }
        List<Pool> full = null; // A place that comes free during the search is not for the later of two.
        for (Lease first : pending) {
            Pool pool = poolOf(first);
            if (full != null && full.contains(pool)) {
                continue;
            }
            if (poolTakes(first)) {
                pending.remove(first);
                grant(first);
                return first;
            }
            if (pool != null && !isRouteFull(first)) {
                full = full == null ? new ArrayList<Pool>(1) : full;
                full.add(pool);
            }
        }
        return null;
    }

    private boolean hasLease() {
        return !enforced || leases.size() < limit;
    }

    private void grant(Lease lease) {
        if (leases.size() >= limit) {
            wouldHaveWaited++; // only where nothing is enforced
        }
        leases.add(lease);
        used = true;
    }

    /** The client's pool where it matters: with its server. */
    private @Nullable Pool poolOf(Lease lease) {
        return destination.kind() == Destination.Kind.SERVER ? lease.ask.pool : null;
    }

    /** Whether the client's own pool could use one more lease; if so, its place is taken. With the lock held. */
    private boolean poolTakes(Lease lease) {
        Pool pool = poolOf(lease);
        if (pool != null && !enforced) {
            pool.takeAnyway();
            return true;
        }
        return pool == null || !isRouteFull(lease) && pool.take(this);
    }

    private boolean isRouteFull(Lease lease) {
        if (lease.ask.poolLimit == Limits.UNLIMITED) {
            return false;
        }
        int out = 0;
        for (int i = 0; i < leases.size(); i++) {
            out += leases.get(i).ask.pool == lease.ask.pool ? 1 : 0;
        }
        return out >= lease.ask.poolLimit;
    }

    /** A waiter gives up; false if it is not in the queue (any more). */
    boolean leave(Lease lease) {
        lock.lock();
        try {
            return pending.remove(lease);
        } finally {
            lock.unlock();
        }
    }

    /** Gives a lease back, hand to hand to the first waiter that can go. */
    void release(Lease lease) {
        // A loop, not a recursion: any number of waiters may have given up with their grants on the way.
        for (Lease back = lease; back != null; ) {
            Lease next;
            boolean excess;
            Pool pool = poolOf(back);
            lock.lock();
            try {
                if (!leases.remove(back)) {
                    return;
                }
                releases++;
                if (pool != null) {
                    pool.leave();
                }
                next = nextGrant();
                excess = room.hasVictim(); // after the limit was lowered: this connection became idle before its
                // lease came
                // back
            } finally {
                lock.unlock();
            }
            back = next == null || next.granted() ? null : next;
            if (pool != null) {
                pool.wake();
            }
            if (excess) {
                table.inBackground(room.makeRoomTask);
            }
        }
    }

    /** Grants whatever can be granted: leases to waiters, room to openers. */
    void handOff() {
        for (Lease next = takeNext(); next != null; next = takeNext()) {
            if (!next.granted()) {
                release(next);
            }
        }
        room.handOff();
    }

    private @Nullable Lease takeNext() {
        lock.lock();
        try {
            return nextGrant();
        } finally {
            lock.unlock();
        }
    }

    /** How many connections may be open: every holder of a lease may have one. With the lock held. */
    int openLimit() {
        return enforced ? Math.max(limit, leases.size()) : Limits.UNLIMITED;
    }

    // ---- Changes ------------------------------------------------------------------------------------------------

    /** The newest response decides the server's class. */
    void answered(boolean nowHttp10) {
        if (http10 != nowHttp10) {
            http10 = nowHttp10;
            relimit();
        }
    }

    /** The settings or the class changed; takes effect at once and never blocks. */
    void relimit() {
        boolean excess;
        lock.lock();
        try {
            readLimits();
            excess = room.hasVictim();
        } finally {
            lock.unlock();
        }
        handOff();
        if (excess) {
            table.inBackground(room.makeRoomTask);
        }
    }

    /** Reads the newest settings under the lock, so that the last of several changes is the one that stays. */
    private void readLimits() {
        Limits limits = table.limits();
        limit = limits.limitFor(destination, http10);
        enforced = limits.mode() == Limits.Mode.ENFORCE;
    }

    /** A total limit came to be: counts there what is held here. */
    void adoptInto(ConnectionLimiter total) {
        List<Lease> held;
        List<Connection> connections;
        lock.lock();
        try {
            held = new ArrayList<>(leases);
            connections = room.idle();
        } finally {
            lock.unlock();
        }
        for (Lease lease : held) {
            lease.adopt(total);
            Connection connection = lease.connection();
            if (connection != null) {
                connection.adopt(total);
            }
        }
        for (Connection connection : connections) {
            connection.adopt(total);
        }
    }

    void adopt(Lease lease) {
        lock.lock();
        try {
            leases.add(lease);
        } finally {
            lock.unlock();
        }
    }

    // ---- Looking on ---------------------------------------------------------------------------------------------

    /** Marks this as forgotten if nobody used it since the last call and nothing is held or open. */
    boolean forgetIfUnused() {
        lock.lock();
        try {
            boolean inUse = !leases.isEmpty() || !pending.isEmpty() || room.isInUse();
            forgotten = !used && !inUse;
            used = inUse;
            return forgotten;
        } finally {
            lock.unlock();
        }
    }

    private String limitKind() {
        switch (destination.kind()) {
            case SERVER:
                return http10 ? "server_1_0" : "server";
            case PROXY:
                return "proxy";
            default:
                return "total";
        }
    }

    /** For messages: {@code (limit=2, leased=2, idle=0, pending=4)}. */
    String figures(int leaving) {
        Snapshot now = snapshot();
        return "(limit=" + (now.limit() == Limits.UNLIMITED ? "unlimited" : String.valueOf(now.limit())) + ", leased="
                + now.leased() + ", idle=" + now.idle() + ", pending=" + (now.pending() + leaving) + ")";
    }

    Snapshot snapshot() {
        lock.lock();
        try {
            long oldest = pending.isEmpty()
                    ? 0
                    : table.clock.nanoTime() - pending.iterator().next().queuedNanos;
            return new Snapshot(
                    destination,
                    http10,
                    limit,
                    leases.size(),
                    room.idleCount(),
                    pending.size(),
                    room.open(),
                    oldest,
                    releases,
                    wouldHaveWaited);
        } finally {
            lock.unlock();
        }
    }

    /** Whether an exchange waits here, for a lease or for room. */
    boolean somebodyWaits() {
        lock.lock();
        try {
            return !pending.isEmpty() || room.somebodyWaits();
        } finally {
            lock.unlock();
        }
    }

    /** The leases that are out now, in the order of their grants. */
    List<Lease> leases() {
        lock.lock();
        try {
            return new ArrayList<>(leases);
        } finally {
            lock.unlock();
        }
    }
}
