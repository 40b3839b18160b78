package io.sluice.instrumentation.jettyclient;

import org.jspecify.annotations.Nullable;

/** The calling thread is about to take an exchange out of a queue for a connection that it has taken out of the pool. */
final class Passage {
    private static final ThreadLocal<@Nullable Passage> CURRENT = new ThreadLocal<>();

    final Object connection;
    private final @Nullable Passage outer;
    /** What was taken out. */
    @Nullable
    QueuedExchange taken;

    /** The queue that gave nothing as the connection is about to be closed. */
    @Nullable
    ExchangeQueue refusedBy;

    private Passage(Object connection, @Nullable Passage outer) {
        this.connection = connection;
        this.outer = outer;
    }

    static Passage begin(Object connection) {
        Passage begun = new Passage(connection, CURRENT.get());
        CURRENT.set(begun);
        return begun;
    }

    static @Nullable Passage current() {
        return CURRENT.get();
    }

    void end() {
        if (outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(outer);
        }
    }
}
