package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Wait;
import java.util.concurrent.TimeUnit;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.nio.pool.AbstractNIOConnPool;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** What the advice on the pool calls. Thread-safe; nobody waits here. */
public final class PoolHooks {
    private static final WeakMap<AbstractNIOConnPool<?, ?, ?>, PoolState> POOLS = new WeakMap<>();

    /** What the exchanges of the client wait for. */
    private static final WeakMap<Object, Lease> EXCHANGES = new WeakMap<>();
    /** What was asked for last on a thread, and has to be waited for. */
    private static final ThreadLocal<@Nullable Lease> ASKED = new ThreadLocal<>();

    private PoolHooks() {}

    /** An exchange is about to ask its manager. */
    public static void exchangeAsks() {
        ASKED.remove();
    }

    /** An exchange has asked its manager. */
    public static void exchangeHasAsked(Object exchange) {
        Lease lease = ASKED.get();
        if (lease != null) {
            ASKED.remove();
            EXCHANGES.put(exchange, lease);
        }
    }

    /** An exchange is cancelled: it leaves the queue, if it still stands there. */
    public static void exchangeCancelled(Object exchange) {
        Lease lease = EXCHANGES.remove(exchange);
        if (lease != null) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }

    /**
     * An exchange asks a pool for an entry. Does not wait.
     *
     * @return a future of ours; a {@link Refusal} with what the pool has thrown; null: the pool goes on by itself
     */
    @SuppressWarnings(
            "unchecked") // a pool of whatever types; route and callback are of its types as the program has it
    public static @Nullable Object lease(
            AbstractNIOConnPool<?, ?, ?> anyPool,
            @Nullable Object route,
            @Nullable Object state,
            long connectTimeout,
            long leaseTimeout,
            @Nullable TimeUnit timeUnit,
            @Nullable FutureCallback<?> callback) {
        if (callback instanceof LeasedRequest || timeUnit == null || route == null || anyPool.isShutdown()) {
            return null; // it has its lease, or the pool has an exception for it
        }
        Ask ask = Routes.ask(route);
        if (ask == null) {
            return null;
        }
        AbstractNIOConnPool<Object, Object, PoolEntry<Object, Object>> pool =
                (AbstractNIOConnPool<Object, Object, PoolEntry<Object, Object>>) anyPool;
        int maxPerRoute = pool.getMaxPerRoute(route);
        ask = ask.from(ConnectionGate.pool(pool, pool.getMaxTotal()), maxPerRoute > 0 ? maxPerRoute : Limits.UNLIMITED);
        PoolState waiters = POOLS.get(pool);
        if (waiters == null) {
            waiters = POOLS.putIfAbsent(pool, new PoolState());
        }
        Lease lease = ConnectionGate.ask(ask);
        if (lease == null) {
            return null;
        }
        boolean begun = false;
        try {
            LeasedRequest request = new LeasedRequest(
                    pool,
                    waiters,
                    lease,
                    new LeasedRequest.Arguments(route, state, connectTimeout, leaseTimeout, timeUnit),
                    (FutureCallback<PoolEntry<Object, Object>>) callback);
            if (lease.isPending()) {
                ASKED.set(lease);
            }
            request.begin();
            begun = true;
            Throwable thrown = request.thrownByPool();
            return thrown == null ? request : new Refusal(thrown);
        } finally {
            if (!begun) {
                ConnectionGate.release(lease);
            }
        }
    }

    /** A pool is shut down. */
    public static void shutDown(AbstractNIOConnPool<?, ?, ?> pool) {
        PoolState state = POOLS.get(pool);
        if (state != null) {
            state.cancelWaiters();
        }
    }

    /**
     * An exchange gives an entry back.
     *
     * @return its lease, for {@link #released}; null where it has none
     */
    public static @Nullable Object releasing(@Nullable PoolEntry<?, ?> entry) {
        Kept kept = Connects.ENTRIES.get(entry);
        return kept == null ? null : kept.releasing();
    }

    /** The entry went back, or could not: either way the exchange is over. */
    public static void released(@Nullable Object leaseObject, @Nullable PoolEntry<?, ?> entry, boolean reusable) {
        Lease lease = (Lease) leaseObject;
        try {
            Kept kept = Connects.ENTRIES.get(entry);
            if (kept != null && reusable) {
                kept.idle(lease);
            } else if (kept != null) {
                kept.isClosing();
            }
        } finally {
            ConnectionGate.release(lease);
        }
    }
}
