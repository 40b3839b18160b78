package io.sluice.limiter;

import org.jspecify.annotations.Nullable;

/** Makes {@link Wait}s for tests of listeners; in this package because only the limiter makes them in earnest. */
public final class Waits {
    private Destination server = Destination.server("http", "api.example.com", 8080);
    private @Nullable Destination proxy;
    private String limitKind = "server";
    private int limit = 2;
    private @Nullable Object context;
    private @Nullable String traceparent;
    private Wait.Outcome outcome = Wait.Outcome.GRANTED;

    /** 2023-11-14T22:13:20.123456789Z */
    public static final long START_EPOCH_NANOS = 1_700_000_000_123_456_789L;

    public static final long DURATION_NANOS = 12_345_678;

    /** A wait for {@code http://api.example.com:8080} under a limit of 2 that was granted. */
    public static Waits aWait() {
        return new Waits();
    }

    public Waits server(String scheme, String host, int port) {
        server = Destination.server(scheme, host, port);
        return this;
    }

    public Waits forProxy(String host, int port) {
        proxy = Destination.proxy(host, port);
        limitKind = "proxy";
        return this;
    }

    public Waits limit(int newLimit) {
        limit = newLimit;
        return this;
    }

    public Waits context(@Nullable Object newContext) {
        context = newContext;
        return this;
    }

    public Waits traceparent(String newTraceparent) {
        traceparent = newTraceparent;
        return this;
    }

    public Waits outcome(Wait.Outcome newOutcome) {
        outcome = newOutcome;
        return this;
    }

    public Wait build() {
        return new Wait(
                server,
                proxy,
                proxy == null ? server : proxy,
                limitKind,
                limit,
                5,
                "apache-httpclient-4",
                context,
                traceparent,
                START_EPOCH_NANOS,
                DURATION_NANOS,
                outcome);
    }
}
