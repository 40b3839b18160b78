package io.sluice.instrumentation.apachehttpclient5async;

import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.nio.AsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.client5.http.nio.ManagedAsyncClientConnection;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.util.Deadline;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** One call of a manager's {@code lease} as the client has made it, to be made again later. Immutable. */
final class LeaseCall {
    /** Set while the calling thread leases on behalf of an exchange that has been at the gate. */
    private static final ThreadLocal<@Nullable Boolean> REPEATED = new ThreadLocal<>();

    final AsyncClientConnectionManager manager;
    final ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> pool;
    final HttpRoute route;
    final @Nullable Object state;
    private final @Nullable String id;
    private final @Nullable Timeout timeout;

    LeaseCall(
            AsyncClientConnectionManager manager,
            ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> pool,
            @Nullable String id,
            HttpRoute route,
            @Nullable Object state,
            @Nullable Timeout timeout) {
        this.manager = manager;
        this.pool = pool;
        this.id = id;
        this.route = route;
        this.state = state;
        this.timeout = timeout;
    }

    /** Whether the calling thread makes such a call again. */
    static boolean isRepeated() {
        return REPEATED.get() != null;
    }

    /** Makes the call again, with what is left of its timeout. */
    Future<AsyncConnectionEndpoint> lease(long waitedNanos, FutureCallback<AsyncConnectionEndpoint> callback) {
        REPEATED.set(Boolean.TRUE);
        try {
            return manager.lease(id, route, state, rest(waitedNanos), callback);
        } finally {
            REPEATED.remove();
        }
    }

    /** What is left of the timeout; never zero, which would mean something else. */
    private @Nullable Timeout rest(long waitedNanos) {
        long waitedMillis = TimeUnit.NANOSECONDS.toMillis(waitedNanos);
        if (waitedMillis == 0 || timeout == null || !TimeValue.isPositive(timeout)) {
            return timeout;
        }
        return Timeout.ofMilliseconds(Math.max(1, timeout.toMilliseconds() - waitedMillis));
    }

    /** The client's own limit for the time it takes to obtain a connection; 0: none. */
    long timeoutNanos() {
        return timeout != null && TimeValue.isPositive(timeout)
                ? timeout.getTimeUnit().toNanos(timeout.getDuration())
                : 0;
    }

    /** Takes an endpoint back that was leased and not used: its connection stays as long in the pool as it would have. */
    void giveBack(AsyncConnectionEndpoint endpoint) {
        AsyncExchange unused = AsyncHooks.EXCHANGES.remove(endpoint);
        PoolEntry<HttpRoute, ManagedAsyncClientConnection> entry = unused == null ? null : unused.entry.get();
        Deadline expiry = entry == null ? Deadline.MAX_VALUE : entry.getExpiryDeadline();
        manager.release(
                endpoint,
                state,
                expiry.isMax() ? TimeValue.NEG_ONE_MILLISECOND : TimeValue.ofMilliseconds(expiry.remaining()));
    }
}
