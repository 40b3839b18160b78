package io.sluice.instrumentation.asynchttpclient;

import io.sluice.bridge.Background;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** How long an attempt may wait, and how long its exchange may take. Thread-safe; nothing blocks. */
final class Clocks {
    private @Nullable Future<?> ofWait;
    private @Nullable Future<?> ofExchange;
    private boolean stopped;

    /** Zero or less means no limit. */
    synchronized void limitWait(Runnable end, long maxNanos) {
        if (maxNanos > 0 && !stopped) {
            ofWait = Background.executor().schedule(end, maxNanos, TimeUnit.NANOSECONDS);
        }
    }

    /** The same; the first call counts. */
    synchronized void limitExchange(Runnable end, long maxNanos) {
        if (maxNanos > 0 && ofExchange == null && !stopped) {
            ofExchange = Background.executor().schedule(end, maxNanos, TimeUnit.NANOSECONDS);
        }
    }

    synchronized void waitIsOver() {
        if (ofWait != null) {
            ofWait.cancel(false);
        }
    }

    synchronized void stop() {
        stopped = true;
        waitIsOver();
        if (ofExchange != null) {
            ofExchange.cancel(false);
        }
    }
}
