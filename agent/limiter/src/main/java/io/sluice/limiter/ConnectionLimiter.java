package io.sluice.limiter;

import io.sluice.limiter.Waiter.Answer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/*
 * Idea. Two counters for one destination. Leases: granted exchanges, first come first served, taken before the client
 * looks into its own pool. Open connections: sockets, idle ones included, taken before one is opened and given back when
 * it is really closed. A holder of a lease has at most one socket. So whoever holds a lease and finds no room for a socket
 * knows that some open connection is idle, or about to become so: it is closed, and the room handed over.
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
 * is held (but for Lease.adopt: server before total). Decide under it, act after it: waiters are told, connections closed
 * and listeners called when it is free. Waiter.this and Connection.this may be held when it is taken.
 *
 * Lost races. A waiter that gave up while its grant was on the way gives it back (Waiter.granted), which hands it on. A
 * victim that its client took meanwhile is a miss (evictionMissed): the next victim is looked for, and when none is there,
 * the next connection to become idle or closed makes the room.
 *
 * Changing a limit. More room: hand off until it is used up. Less room: nobody is interrupted and nobody waits for it; the
 * excess drains, idle connections first, closed in the background.
 */

/** Who may connect to one destination now, and who waits. Thread-safe; no method blocks, but for {@link #makeRoom}. */
final class ConnectionLimiter {
    final Destination destination;
    final Runnable makeRoomTask = new Runnable() {
        @Override
        public void run() {
            makeRoom();
        }
    };

    private final LimiterTable table;
    private final ReentrantLock lock = new ReentrantLock();

    private final ArrayList<Lease> leases = new ArrayList<>(4);
    private final LinkedHashSet<Lease> pending = new LinkedHashSet<>();

    private int open;
    private final LinkedHashSet<Connection> idle = new LinkedHashSet<>();
    private final ArrayDeque<Waiter> openers = new ArrayDeque<>(2);
    private int evicting;

    private Limits limits;
    private int limit;
    private volatile boolean http10;
    private boolean forgotten;
    private boolean used = true;
    /** Counts releases, so that a watcher sees whether anything moved. */
    private long releases;

    private long wouldHaveWaited;

    /** What only the watcher's thread touches. */
    final StallWatch stallWatch = new StallWatch();

    ConnectionLimiter(LimiterTable table, Destination destination, Limits limits) {
        this.table = table;
        this.destination = destination;
        this.limits = limits;
        this.limit = limits.limitFor(destination, false);
    }

    // ---- Leases -------------------------------------------------------------------------------------------------

    /** Grants if nobody has to wait; never queues. */
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
            int before = pending.size();
            pending.add(lease);
            lease.arrived(limitKind(), limit, before);
            if (nextGrant() == lease) {
                return Answer.TAKEN;
            }
            if (before >= limits.maxPending()) {
                pending.remove(lease);
                return Answer.QUEUE_FULL;
            }
        } finally {
            lock.unlock();
        }
        table.somebodyWaits();
        return Answer.QUEUED;
    }

    /** Takes the first waiter that can go out of the queue and gives it a lease. With the lock held. */
    private @Nullable Lease nextGrant() {
        if (!hasLease()) {
            return null;
        }
        for (Lease first : pending) {
            if (poolTakes(first)) {
                pending.remove(first);
                grant(first);
                return first;
            }
        }
        return null;
    }

    private boolean hasLease() {
        return limits.mode() != Limits.Mode.ENFORCE || leases.size() < limit;
    }

    private void grant(Lease lease) {
        if (leases.size() >= limit) {
            wouldHaveWaited++; // only where nothing is enforced
        }
        leases.add(lease);
        used = true;
    }

    /** Whether the client's own pool could use one more lease; if so, its place is taken. With the lock held. */
    private boolean poolTakes(Lease lease) {
        Pool pool = lease.ask.pool;
        if (pool == null || destination.kind() != Destination.Kind.SERVER) {
            return true;
        }
        if (lease.ask.poolLimit < Limits.UNLIMITED) {
            int out = 0;
            for (int i = 0; i < leases.size(); i++) {
                out += leases.get(i).ask.pool == pool ? 1 : 0;
            }
            if (out >= lease.ask.poolLimit) {
                return false;
            }
        }
        return pool.take(this);
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
        Lease next;
        lock.lock();
        try {
            if (!leases.remove(lease)) {
                return;
            }
            releases++;
            next = pending.isEmpty() ? null : nextGrant();
        } finally {
            lock.unlock();
        }
        if (next != null) {
            next.granted();
            handOff();
        }
    }

    /** Grants whatever can be granted: leases to waiters, room to openers. */
    void handOff() {
        for (; ; ) {
            Waiter next;
            lock.lock();
            try {
                next = pending.isEmpty() ? null : nextGrant();
                if (next == null && !openers.isEmpty() && open < room()) {
                    next = openers.poll();
                    open++;
                }
            } finally {
                lock.unlock();
            }
            if (next == null) {
                return;
            }
            next.granted();
        }
    }

    // ---- Open connections ---------------------------------------------------------------------------------------

    private int room() {
        return limits.mode() == Limits.Mode.ENFORCE ? Math.max(limit, leases.size()) : Limits.UNLIMITED;
    }

    /** Takes room for one open connection, or queues for it. */
    boolean reserve(Waiter opener) {
        lock.lock();
        try {
            if (openers.isEmpty() && open < room()) {
                open++;
                return true;
            }
            openers.add(opener);
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** An opener gives up; false if its room is on the way already. */
    boolean cancelReserve(Waiter opener) {
        lock.lock();
        try {
            return openers.remove(opener);
        } finally {
            lock.unlock();
        }
    }

    /** A socket is closed, or was never opened. */
    void freed(boolean wasEvictedForUs) {
        lock.lock();
        try {
            open--;
            if (wasEvictedForUs) {
                evicting--;
            }
            if (openers.isEmpty()) {
                return;
            }
        } finally {
            lock.unlock();
        }
        handOff();
    }

    /** Lists an idle connection, the least recently used first; true if it should be closed to make room. */
    boolean addIdle(Connection connection) {
        lock.lock();
        try {
            idle.add(connection);
            return wantedVictims() > 0;
        } finally {
            lock.unlock();
        }
    }

    void removeIdle(Connection connection) {
        lock.lock();
        try {
            idle.remove(connection);
        } finally {
            lock.unlock();
        }
    }

    private int wantedVictims() {
        return Math.max(openers.size(), open - room()) - evicting;
    }

    /** Closes idle connections while somebody needs their room. Blocks as long as the clients' own closing does. */
    void makeRoom() {
        for (; ; ) {
            Connection victim;
            lock.lock();
            try {
                if (idle.isEmpty() || wantedVictims() <= 0) {
                    return;
                }
                victim = idle.iterator().next();
                idle.remove(victim);
                evicting++;
            } finally {
                lock.unlock();
            }
            victim.evict(this);
        }
    }

    /** The victim was taken by its client before it could be closed. */
    void evictionMissed() {
        lock.lock();
        try {
            evicting--;
        } finally {
            lock.unlock();
        }
    }

    // ---- Changes ------------------------------------------------------------------------------------------------

    /** The newest response decides the server's class. */
    void answered(boolean nowHttp10) {
        if (http10 != nowHttp10) {
            http10 = nowHttp10;
            relimit(null);
        }
    }

    /** New settings, or null after a change of class; takes effect at once and never blocks. */
    void relimit(@Nullable Limits newLimits) {
        boolean excess;
        lock.lock();
        try {
            if (newLimits != null) {
                limits = newLimits;
            }
            limit = limits.limitFor(destination, http10);
            excess = !idle.isEmpty() && wantedVictims() > 0;
        } finally {
            lock.unlock();
        }
        handOff();
        if (excess) {
            table.inBackground(makeRoomTask);
        }
    }

    /** A total limit came to be: counts there what is held here. */
    void adoptInto(ConnectionLimiter total) {
        List<Connection> connections = new ArrayList<>();
        lock.lock();
        try {
            for (Lease lease : leases) {
                lease.adopt(total);
                Connection connection = lease.connection();
                if (connection != null) {
                    connections.add(connection);
                }
            }
            connections.addAll(idle);
        } finally {
            lock.unlock();
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

    void adopt(Connection connection, boolean isIdle) {
        lock.lock();
        try {
            open++;
            if (isIdle) {
                idle.add(connection);
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- Looking on ---------------------------------------------------------------------------------------------

    /** Marks this as forgotten if nobody used it since the last call and nothing is held or open. */
    boolean forgetIfUnused() {
        lock.lock();
        try {
            boolean inUse = !leases.isEmpty() || !pending.isEmpty() || open > 0 || !openers.isEmpty();
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
                    : table.clock.nanoTime() - pending.iterator().next().queuedNanos();
            return new Snapshot(
                    destination,
                    http10,
                    limit,
                    leases.size(),
                    idle.size(),
                    pending.size(),
                    open,
                    oldest,
                    releases,
                    wouldHaveWaited);
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
