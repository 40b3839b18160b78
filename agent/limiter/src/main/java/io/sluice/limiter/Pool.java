package io.sluice.limiter;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands for one connection pool of a client, so that its own limits hold in the queue too. Holds nothing of the client,
 * so it may be kept as long as one likes. Thread-safe; no method blocks.
 */
public final class Pool {
    private final AtomicInteger leased = new AtomicInteger();
    /** Where a waiter of this pool was passed over because the pool as a whole is full. */
    private final Set<ConnectionLimiter> passedOver = ConcurrentHashMap.newKeySet();

    /** Whether there ever was one: the set's own count may say zero for a moment while others add and remove theirs. */
    private volatile boolean hasPassedOver;

    private volatile int maxTotal = Limits.UNLIMITED;

    /**
     * Tells how many connections the pool holds at most, all servers together; zero or less means no limit. Where that is
     * more than before, those go on who waited for it. Call without any lock.
     */
    public void maxTotal(int newMaxTotal) {
        int before = maxTotal;
        maxTotal = newMaxTotal > 0 ? newMaxTotal : Limits.UNLIMITED;
        if (maxTotal > before) {
            wake();
        }
    }

    /** Whether no lease is out on its behalf. */
    boolean isUnused() {
        return leased.get() == 0;
    }

    /** Whether there is a place now; takes none. */
    boolean hasPlace() {
        return leased.get() < maxTotal;
    }

    /** Takes one of the pool's places, or remembers where to look again when one comes free. */
    boolean take(ConnectionLimiter limiter) {
        if (increment()) {
            return true;
        }
        hasPassedOver = true;
        passedOver.add(limiter);
        // A place that came free between the two lines above found nobody to tell.
        return increment();
    }

    /** Takes a place, whether there is one or not. */
    void takeAnyway() {
        leased.incrementAndGet();
    }

    private boolean increment() {
        for (; ; ) {
            int now = leased.get();
            if (now >= maxTotal) {
                return false;
            }
            if (leased.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Gives a place back; {@link #wake} must follow, without any lock. */
    void leave() {
        leased.decrementAndGet();
    }

    /** Lets those look again who were passed over, as long as there is a place. Call without any lock. */
    void wake() {
        if (!hasPassedOver) {
            return;
        }
        // A copy: who is passed over again is listed again, and iterating over the set itself might never end.
        for (ConnectionLimiter limiter : passedOver.toArray(new ConnectionLimiter[0])) {
            if (!hasPlace()) {
                return; // whoever took it will give it back and come here
            }
            passedOver.remove(limiter);
            limiter.handOff();
        }
    }
}
