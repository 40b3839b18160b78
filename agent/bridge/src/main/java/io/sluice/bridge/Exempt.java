package io.sluice.bridge;

import org.jspecify.annotations.Nullable;

/** Marks the calling thread's requests as the agent's own: they are not limited, or a full queue would hide itself. */
public final class Exempt {
    private static final ThreadLocal<@Nullable Boolean> CURRENT = new ThreadLocal<>();

    private Exempt() {}

    /** Runs the task; the requests that it makes on this thread are neither counted nor limited. */
    public static void run(Runnable task) {
        Boolean before = CURRENT.get();
        CURRENT.set(Boolean.TRUE);
        try {
            task.run();
        } finally {
            if (before == null) {
                CURRENT.remove();
            }
        }
    }

    static boolean isCurrent() {
        return CURRENT.get() != null;
    }
}
