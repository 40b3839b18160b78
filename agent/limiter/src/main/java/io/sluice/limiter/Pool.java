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

    private volatile int maxTotal = Limits.UNLIMITED;

    /** Tells how many connections the pool holds at most, all servers together; zero or less means no limit. */
    public void maxTotal(int newMaxTotal) {
        maxTotal = newMaxTotal > 0 ? newMaxTotal : Limits.UNLIMITED;
    }

    /** Takes one of the pool's places, or remembers where to look again when one comes free. */
    boolean take(ConnectionLimiter limiter) {
        if (increment()) {
            return true;
        }
        passedOver.add(limiter);
        // A place that came free between the two lines above found nobody to tell.
        if (increment()) {
            passedOver.remove(limiter);
            return true;
        }
        return false;
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

    /** Gives the place back and lets those look again who were passed over for it. Call without any lock. */
    void giveBack() {
        leased.decrementAndGet();
        if (!passedOver.isEmpty()) {
            for (ConnectionLimiter limiter : passedOver) {
                passedOver.remove(limiter);
                limiter.handOff();
            }
        }
    }
}
