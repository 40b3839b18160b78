package io.sluice.instrumentation.apachehttpclient5async;

import org.jspecify.annotations.Nullable;

/** One user of an HTTP/2 session, until it has been served. Thread-safe. */
public final class SessionExchange {
    /** On whose behalf the calling thread asks for a session. */
    private static final ThreadLocal<@Nullable SessionExchange> CURRENT = new ThreadLocal<>();

    private final long timeoutNanos;
    private @Nullable SessionHandle used;
    private boolean over;

    /** An exchange whose client would wait so long for a connection; 0: no limit. */
    SessionExchange(long timeoutNanos) {
        this.timeoutNanos = timeoutNanos;
    }

    /**
     * From now on the calling thread asks on behalf of this exchange, or of none.
     *
     * @return for {@link #end(SessionExchange)}
     */
    static @Nullable SessionExchange begin(@Nullable SessionExchange exchange) {
        SessionExchange outer = CURRENT.get();
        CURRENT.set(exchange);
        return outer;
    }

    /** The calling thread is done with asking. */
    static void end(@Nullable SessionExchange outer) {
        if (outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(outer);
        }
    }

    /** On whose behalf the calling thread asks, or null. */
    static @Nullable SessionExchange current() {
        return CURRENT.get();
    }

    long timeoutNanos() {
        return timeoutNanos;
    }

    /** It counts as a user of the session, until {@link #end()}. */
    void joined(SessionHandle handle) {
        SessionHandle surplus = null;
        synchronized (this) {
            if (over || used != null) {
                surplus = handle;
            } else {
                used = handle;
            }
        }
        if (surplus != null) {
            surplus.leave(); // cancelled meanwhile
        }
    }

    /** It is over. Idempotent. */
    void end() {
        SessionHandle left;
        synchronized (this) {
            over = true;
            left = used;
            used = null;
        }
        if (left != null) {
            left.leave();
        }
    }
}
