package io.sluice.limiter;

import org.jspecify.annotations.Nullable;

/** One stay of an exchange in the queue of one destination, as told to a {@link WaitListener} once it is over. Immutable. */
public final class Wait {
    /** How a wait ended. */
    public enum Outcome {
        /** The exchange got its lease. */
        GRANTED(null),
        /** Nothing came free in time. */
        TIMEOUT("timeout"),
        /** The request was cancelled. */
        CANCELLED("cancelled"),
        /** The waiting thread was interrupted. */
        INTERRUPTED("interrupted"),
        /** The queue was as long as {@code sluice.maxPending} allows; the exchange was turned away at once. */
        QUEUE_FULL("queue_full");

        private final @Nullable String errorType;

        Outcome(@Nullable String errorType) {
            this.errorType = errorType;
        }

        /** The value of a span's {@code error.type}, or null where the lease was granted. */
        public @Nullable String errorType() {
            return errorType;
        }
    }

    private final Destination server;
    private final @Nullable Destination proxy;
    private final Destination waitedFor;
    private final String limitKind;
    private final int limit;
    private final int pending;
    private final String client;
    private final @Nullable Object context;
    private final @Nullable String traceparent;
    private final long startEpochNanos;
    private final long durationNanos;
    private final Outcome outcome;

    @SuppressWarnings("TooManyParameters") // only this package makes one, in one place
    Wait(
            Destination server,
            @Nullable Destination proxy,
            Destination waitedFor,
            String limitKind,
            int limit,
            int pending,
            String client,
            @Nullable Object context,
            @Nullable String traceparent,
            long startEpochNanos,
            long durationNanos,
            Outcome outcome) {
        this.server = server;
        this.proxy = proxy;
        this.waitedFor = waitedFor;
        this.limitKind = limitKind;
        this.limit = limit;
        this.pending = pending;
        this.client = client;
        this.context = context;
        this.traceparent = traceparent;
        this.startEpochNanos = startEpochNanos;
        this.durationNanos = durationNanos;
        this.outcome = outcome;
    }

    /** The server of the request, also where the wait was for a proxy. */
    public Destination server() {
        return server;
    }

    /** The proxy of the request, or null where it goes directly. */
    public @Nullable Destination proxy() {
        return proxy;
    }

    /** The destination in whose queue the exchange stood. */
    public Destination waitedFor() {
        return waitedFor;
    }

    /** Which limit it waited for: {@code server}, {@code server_1_0}, {@code proxy} or {@code total}. */
    public String limitKind() {
        return limitKind;
    }

    /** The limit that held when the wait began. */
    public int limit() {
        return limit;
    }

    /** How many waiters stood in the queue on arrival, this one not counted. */
    public int pending() {
        return pending;
    }

    /** The client library's name, such as {@code apache-httpclient-4}. */
    public String client() {
        return client;
    }

    /** What {@link WaitListener#captureContext()} returned on the asking thread. */
    public @Nullable Object context() {
        return context;
    }

    /** The {@code traceparent} header of the request where the client shows it, otherwise null. */
    public @Nullable String traceparent() {
        return traceparent;
    }

    /** When the exchange asked, in nanoseconds since the epoch. */
    public long startEpochNanos() {
        return startEpochNanos;
    }

    /** How long it waited, in nanoseconds, measured on the monotonic clock. */
    public long durationNanos() {
        return durationNanos;
    }

    /** How the wait ended. */
    public Outcome outcome() {
        return outcome;
    }
}
