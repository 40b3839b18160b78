package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import org.jspecify.annotations.Nullable;

/** Whose trace a call belongs to that was enqueued: it waits on another thread. Thread-safe; no method blocks. */
public final class Traces {
    /** By {@code AsyncCall}. */
    private static final WeakMap<Object, Object> ENQUEUED = new WeakMap<>();

    private static final ThreadLocal<@Nullable Object> RUNNING = new ThreadLocal<>();

    private Traces() {}

    /** A call is about to be enqueued, on the thread of the program. */
    public static void enqueued(Object call) {
        Object context = ConnectionGate.captureContext();
        if (context != null) {
            ENQUEUED.put(call, context);
        }
    }

    /** It begins to run, on a thread of the dispatcher; what is returned is for {@link #ended}. */
    public static @Nullable Object begun(Object call) {
        Object context = ENQUEUED.remove(call);
        if (context != null) {
            RUNNING.set(context);
        }
        return context;
    }

    /** It has run. */
    public static void ended(@Nullable Object context) {
        if (context != null) {
            RUNNING.remove();
        }
    }

    /** The trace in which a wait on this thread belongs; null: the thread's own. */
    static @Nullable Object current() {
        return RUNNING.get();
    }
}
