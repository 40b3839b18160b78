package io.sluice.bridge;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Tells when the JDK's socket classes are woven. That happens in the background after the first class of a client was
 * seen, since a class cannot be woven from within the loading of another; the first exchange waits for it, as a connection
 * whose end nobody notices would count for ever.
 */
public final class Ready {
    private static final long PATIENCE_SECONDS = 10;
    private static final CountDownLatch LATCH = new CountDownLatch(1);

    private static volatile boolean done;
    private static volatile boolean seen;

    private Ready() {}

    /** The classes are woven, or could not be. */
    public static void done() {
        done = true;
        LATCH.countDown();
    }

    /** Whether somebody has waited for it already; a plain read for every exchange but the first. */
    static boolean isDone() {
        return seen;
    }

    /** Blocks the first callers until {@link #done}, at most for some seconds; an interrupt is kept for later. */
    static void await() {
        boolean interrupted = false;
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        for (long left = endNanos - System.nanoTime(); !done && left > 0; left = endNanos - System.nanoTime()) {
            try {
                LATCH.await(left, TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        seen = true;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
