package io.sluice.limiter;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The open connections of one destination, and the room for more. It is one half of a {@link ConnectionLimiter}, whose
 * block comment holds for it too, and shares its lock. Thread-safe; no method blocks, but for {@link #makeRoom}.
 */
final class Room {
    /** Runs {@link #makeRoom}; any number of times. */
    final Runnable makeRoomTask = new Runnable() {
        @Override
        public void run() {
            makeRoom();
        }
    };

    private final ConnectionLimiter limiter;
    private final ReentrantLock lock;
    private final LimiterTable table;

    /** Open, or being opened or closed. */
    private int open;
    /** The least recently used first. */
    private final LinkedHashSet<Connection> idle = new LinkedHashSet<>();

    /** Those of them that their clients would not close when they were last asked. */
    private final HashSet<Connection> reluctant = new HashSet<>(2);

    private final ArrayDeque<Waiter> openers = new ArrayDeque<>(2);
    /** How many are being closed to make room. */
    private int evicting;

    Room(ConnectionLimiter limiter, ReentrantLock lock, LimiterTable table) {
        this.limiter = limiter;
        this.lock = lock;
        this.table = table;
    }

    /** Takes room for one open connection, or queues for it. */
    boolean reserve(Waiter opener) {
        lock.lock();
        try {
            if (openers.isEmpty() && open < limiter.openLimit()) {
                open++;
                return true;
            }
            opener.queuedNanos = table.clock.nanoTime();
            openers.add(opener);
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** An opener gives up; false if its room is on the way already. */
    boolean leave(Waiter opener) {
        lock.lock();
        try {
            return openers.remove(opener);
        } finally {
            lock.unlock();
        }
    }

    /** A socket is closed, or was never opened: the room goes hand to hand to the first opener. */
    void freed(boolean wasEvictedForUs) {
        lock.lock();
        try {
            open--;
            if (wasEvictedForUs && evicting > 0) {
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

    /** Grants the room that there is. */
    void handOff() {
        boolean isBack = false;
        for (; ; ) {
            Waiter opener;
            lock.lock();
            try {
                open -= isBack ? 1 : 0;
                if (openers.isEmpty() || open >= limiter.openLimit()) {
                    return;
                }
                opener = openers.remove();
                open++;
            } finally {
                lock.unlock();
            }
            isBack = !opener.granted();
        }
    }

    /**
     * Lets the first opener in, over the limit, if it has waited too long: a client did not close what it said it would.
     *
     * @return whether it did
     */
    boolean letInOverdue(long patienceNanos) {
        Waiter opener;
        lock.lock();
        try {
            opener = openers.peek();
            if (opener == null || table.clock.nanoTime() - opener.queuedNanos < patienceNanos) {
                return false;
            }
            openers.remove();
            open++;
            evicting = 0; // what was to be closed by now never will be: others must make the room from here on
        } finally {
            lock.unlock();
        }
        if (!opener.granted()) {
            freed(false);
        }
        return true;
    }

    /** Lists a connection that became idle; true if one should be closed to make room. */
    boolean addIdle(Connection connection) {
        lock.lock();
        try {
            idle.add(connection);
            reluctant.clear(); // something has moved
            return hasVictim();
        } finally {
            lock.unlock();
        }
    }

    /** Lists a connection that its client would not close just now; not to be tried again before something has moved. */
    void addReluctant(Connection connection) {
        lock.lock();
        try {
            idle.add(connection);
            reluctant.add(connection);
        } finally {
            lock.unlock();
        }
    }

    /** Tries those again that clients would not close, if one is needed. */
    void tryAgain() {
        boolean needed;
        lock.lock();
        try {
            needed = !reluctant.isEmpty();
            reluctant.clear();
            needed &= hasVictim();
        } finally {
            lock.unlock();
        }
        if (needed) {
            table.inBackground(makeRoomTask);
        }
    }

    void removeIdle(Connection connection) {
        lock.lock();
        try {
            idle.remove(connection);
            reluctant.remove(connection);
        } finally {
            lock.unlock();
        }
    }

    /** Counts a connection that was opened before this was there. */
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

    /**
     * Whether an idle connection should be closed: for the openers and, after the limit was lowered, for the excess. With the
     * lock held.
     */
    boolean hasVictim() {
        return idle.size() > reluctant.size() && open + openers.size() - limiter.openLimit() - evicting > 0;
    }

    /** Closes idle connections while somebody needs their room. Blocks as long as the clients' own closing does. */
    void makeRoom() {
        for (Connection victim = nextVictim(); victim != null; victim = nextVictim()) {
            victim.evict(this);
        }
    }

    private @Nullable Connection nextVictim() {
        lock.lock();
        try {
            if (!hasVictim()) {
                return null;
            }
            Iterator<Connection> eldest = idle.iterator();
            Connection victim = eldest.next();
            while (reluctant.contains(victim)) {
                victim = eldest.next();
            }
            eldest.remove();
            evicting++;
            return victim;
        } finally {
            lock.unlock();
        }
    }

    /** The victim was taken by its client before it could be closed; true if another should be closed instead. */
    boolean evictionMissed() {
        lock.lock();
        try {
            evicting -= evicting > 0 ? 1 : 0;
            return hasVictim();
        } finally {
            lock.unlock();
        }
    }

    // ---- With the lock held -------------------------------------------------------------------------------------

    int open() {
        return open;
    }

    int idleCount() {
        return idle.size();
    }

    List<Connection> idle() {
        return new ArrayList<>(idle);
    }

    boolean somebodyWaits() {
        return !openers.isEmpty();
    }

    boolean isInUse() {
        return open > 0 || !openers.isEmpty();
    }
}
