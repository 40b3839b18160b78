package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.sluice.bridge.WeakMap;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.netty.internal.shaded.reactor.pool.InstrumentedPool;
import reactor.netty.internal.shaded.reactor.pool.PooledRef;
import reactor.util.context.Context;

/**
 * Takes an idle connection from a pool, as an exchange would, so that nobody else has it: then it can be closed. The pool
 * answers at once if it has one. If it has none it would connect: the hook on the connect knows a claim by its context, and
 * refuses. No method blocks.
 */
final class Claim<T> implements CoreSubscriber<PooledRef<T>> {
    /** Its key in the Reactor context. */
    private static final Object KEY = Claim.class;

    /** One lock per pool. */
    private static final WeakMap<Object, Object> EVICTIONS = new WeakMap<>();

    private @Nullable PooledRef<T> taken;
    private @Nullable Subscription subscription;
    private boolean over;

    private Claim() {}

    static boolean isIn(Context context) {
        return context.hasKey(KEY);
    }

    /**
     * Closes a connection if it is idle in its pool; false if somebody has it. Blocks while another eviction looks into the
     * same pool, as it may hold the connection that is wanted here for a moment.
     */
    static <T> boolean evict(InstrumentedPool<T> pool, Object wanted, Channel channel) {
        synchronized (EVICTIONS.putIfAbsent(pool, new Object())) {
            return evictAlone(pool, wanted, channel);
        }
    }

    private static <T> boolean evictAlone(InstrumentedPool<T> pool, Object wanted, Channel channel) {
        // A pool that prefers the youngest gives the eldest last.
        List<PooledRef<T>> others = new ArrayList<>(2);
        try {
            for (PooledRef<T> ref = next(pool); ref != null; ref = next(pool)) {
                if (ref.poolable() == wanted) {
                    PooledRef<T> claimed = ref;
                    channel.close().addListener(closed -> claimed.invalidate().subscribe());
                    return true;
                }
                others.add(ref);
            }
            return false;
        } finally {
            for (int i = others.size() - 1; i >= 0; i--) {
                others.get(i).release().subscribe();
            }
        }
    }

    private static <T> @Nullable PooledRef<T> next(InstrumentedPool<T> pool) {
        if (pool.metrics().idleSize() == 0) {
            return null;
        }
        Claim<T> claim = new Claim<>();
        pool.acquire().subscribe(claim);
        return claim.end();
    }

    /** What the pool has given until now. */
    private @Nullable PooledRef<T> end() {
        Subscription unanswered;
        synchronized (this) {
            over = true;
            if (taken != null) {
                return taken;
            }
            unanswered = subscription;
        }
        if (unanswered != null) {
            unanswered.cancel(); // the pool keeps for others what it would have given
        }
        return null;
    }

    @Override
    public Context currentContext() {
        return Context.of(KEY, this);
    }

    @Override
    public void onSubscribe(Subscription newSubscription) {
        subscription = newSubscription;
        newSubscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(PooledRef<T> ref) {
        synchronized (this) {
            if (!over) {
                taken = ref;
                return;
            }
        }
        ref.release().subscribe(); // given by another thread while this one gave up
    }

    @Override
    public void onError(Throwable none) {}

    @Override
    public void onComplete() {}
}
