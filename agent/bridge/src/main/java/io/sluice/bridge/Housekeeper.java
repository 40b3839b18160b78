package io.sluice.bridge;

import io.sluice.limiter.LimiterTable;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Looks after the table now and then: every 50 ms while somebody waits (unread responses, stalls, lost sockets), and
 * seldom otherwise (unused destinations). Starts no thread before the first exchange, and keeps none once no destination is
 * known.
 */
final class Housekeeper implements Runnable {
    private static final long WATCH_MILLIS = 50;
    /** A response that nobody reads is finished when somebody has waited this long. */
    private static final long UNREAD_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** ServicePoint's idle time; a destination unused for one to two of these is forgotten. */
    private static final long FORGET_MILLIS = TimeUnit.SECONDS.toMillis(100);

    private final ScheduledExecutorService executor;
    private final long watchMillis;
    private final long forgetMillis;
    private final AtomicBoolean watching = new AtomicBoolean();
    private final AtomicBoolean forgetting = new AtomicBoolean();
    private volatile @Nullable LimiterTable table;

    Housekeeper() {
        this(Background.executor(), WATCH_MILLIS, FORGET_MILLIS);
    }

    Housekeeper(ScheduledExecutorService executor, long watchMillis, long forgetMillis) {
        this.executor = executor;
        this.watchMillis = watchMillis;
        this.forgetMillis = forgetMillis;
    }

    void lookAfter(LimiterTable newTable) {
        table = newTable;
    }

    /** Somebody begins to wait, or a destination is new. */
    @Override
    public void run() {
        if (!watching.get() && watching.compareAndSet(false, true)) {
            schedule(watching, new Watch(), watchMillis);
        }
        if (!forgetting.get() && forgetting.compareAndSet(false, true)) {
            schedule(forgetting, new Forget(), forgetMillis);
        }
    }

    /** Where the executor cannot take the task, the next who needs it tries again. */
    private void schedule(AtomicBoolean flag, Runnable task, long delayMillis) {
        boolean scheduled = false;
        try {
            executor.schedule(task, delayMillis, TimeUnit.MILLISECONDS);
            scheduled = true;
        } finally {
            if (!scheduled) {
                flag.set(false);
            }
        }
    }

    private final class Watch implements Runnable {
        @Override
        public void run() {
            LimiterTable now = table;
            boolean waiting = false;
            try {
                WatchedMap.dropAll();
                waiting = now != null && now.watch(UNREAD_NANOS);
            } catch (Throwable fault) {
                FailOpen.report(fault);
                waiting = true;
            }
            if (!waiting) {
                watching.set(false);
                // Whoever began to wait since the look found the watch still on.
                waiting = now != null && now.anybodyWaits() && watching.compareAndSet(false, true);
            }
            if (waiting) {
                schedule(watching, this, watchMillis);
            }
        }
    }

    private final class Forget implements Runnable {
        @Override
        public void run() {
            LimiterTable now = table;
            boolean anythingLeft = false;
            try {
                WatchedMap.dropAll();
                if (now != null) {
                    now.forgetUnused();
                    anythingLeft = !now.isEmpty();
                }
            } catch (Throwable fault) {
                FailOpen.report(fault);
                anythingLeft = true;
            }
            if (!anythingLeft) {
                forgetting.set(false);
                // A destination that is new since the look found this still on.
                anythingLeft = now != null && !now.isEmpty() && forgetting.compareAndSet(false, true);
            }
            if (anythingLeft) {
                schedule(forgetting, this, forgetMillis);
            }
        }
    }
}
