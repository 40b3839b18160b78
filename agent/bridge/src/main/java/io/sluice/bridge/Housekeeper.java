package io.sluice.bridge;

import io.sluice.limiter.LimiterTable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Looks after the table now and then: every 50 ms while somebody waits (unread responses, stalls, lost sockets), and
 * seldom otherwise (unused destinations). Starts no thread before the first exchange.
 */
final class Housekeeper implements Runnable {
    private static final long WATCH_MILLIS = 50;
    /** A response that nobody reads is finished when somebody has waited this long. */
    private static final long UNREAD_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** ServicePoint's idle time; a destination unused for one to two of these is forgotten. */
    private static final long FORGET_SECONDS = 100;

    private final AtomicBoolean watching = new AtomicBoolean();
    private final AtomicBoolean forgetting = new AtomicBoolean();
    private volatile @Nullable LimiterTable table;

    void lookAfter(LimiterTable newTable) {
        table = newTable;
    }

    /** Somebody begins to wait. */
    @Override
    public void run() {
        if (!watching.get() && watching.compareAndSet(false, true)) {
            Background.executor().schedule(new Watch(), WATCH_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** The table is in use. */
    void inUse() {
        if (!forgetting.get() && forgetting.compareAndSet(false, true)) {
            Background.executor()
                    .scheduleWithFixedDelay(new Forget(), FORGET_SECONDS, FORGET_SECONDS, TimeUnit.SECONDS);
        }
    }

    private final class Watch implements Runnable {
        @Override
        public void run() {
            LimiterTable now = table;
            boolean waiting = false;
            try {
                Sockets.dropCollected();
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
                Background.executor().schedule(this, WATCH_MILLIS, TimeUnit.MILLISECONDS);
            }
        }
    }

    private final class Forget implements Runnable {
        @Override
        public void run() {
            LimiterTable now = table;
            try {
                Sockets.dropCollected();
                if (now != null) {
                    now.forgetUnused();
                }
            } catch (Throwable fault) {
                FailOpen.report(fault);
            }
        }
    }
}
