package io.sluice.bridge;

import io.sluice.limiter.Reporter;
import org.jspecify.annotations.Nullable;

/** Where the agent's own faults end: reported, never thrown at the program. */
public final class FailOpen {
    private static volatile @Nullable Reporter reporter;

    private FailOpen() {}

    static void reportTo(Reporter newReporter) {
        reporter = newReporter;
    }

    /** Takes what an advice or a hook has thrown. The exchange goes on, unlimited. Never throws. */
    public static void report(Throwable fault) {
        Reporter to = reporter;
        if (to == null) {
            return;
        }
        try {
            to.fault(fault);
        } catch (Throwable ignored) {
            // Nobody is left to tell.
        }
    }
}
