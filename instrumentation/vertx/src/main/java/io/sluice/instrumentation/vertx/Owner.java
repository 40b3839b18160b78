package io.sluice.instrumentation.vertx;

import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import io.vertx.core.AsyncResult;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import java.lang.ref.WeakReference;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** How a connection is evicted: by the pool's own {@code evict}, which takes out only what nobody uses. Stateless. */
final class Owner implements ConnectionOwner {
    /** The pool answers on this thread, or on one that is in the midst of other work for the pool. */
    private static final long PATIENCE_MILLIS = 200;

    private static final Owner OWNER = new Owner();
    static final WeakReference<Owner> REFERENCE = new WeakReference<>(OWNER);

    private Owner() {}

    @Override
    public boolean evict(Object handle) throws Exception {
        PooledConnection pooled = PooledConnection.of(handle);
        Object pool = pooled == null ? null : pooled.clientPool();
        if (pooled == null || pool == null) {
            return false;
        }
        Object holder = pooled.holder();
        if (holder != null) {
            return evictFromVertx3(pool, holder, handle);
        }
        Eviction eviction = new Eviction(pooled.connection());
        Predicate<Object> isIt = connection -> {
            if (connection != handle) {
                return false;
            }
            pooled.lendNoMore(); // the pool asks this of a connection that nobody uses, with nothing going on beside
            return true;
        };
        Promise<Object> promise = Promise.promise();
        promise.future().onComplete((Handler<AsyncResult<Object>>) eviction);
        try {
            Reflect.call(pool, "evict", isIt, promise);
        } catch (Exception e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        return eviction.await();
    }

    /** As the pool of Vert.x 3 and 4.0 does with expired connections, and under its lock. */
    private static boolean evictFromVertx3(Object pool, Object holder, Object connection) throws Exception {
        synchronized (pool) {
            Collection<?> available = (Collection<?>) Reflect.required(pool, "available");
            long unused = (Long) Reflect.required(holder, "capacity");
            if (unused == 0 || unused != (Long) Reflect.required(holder, "concurrency") || !available.remove(holder)) {
                return false;
            }
            Reflect.set(pool, "capacity", (Long) Reflect.required(pool, "capacity") - unused);
            Reflect.set(holder, "capacity", 0L);
        }
        close(connection);
        return true;
    }

    /** By reflection, as what {@code HttpConnection.close} returns differs. */
    private static void close(Object connection) {
        try {
            Reflect.call(connection, "close");
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }

    /** The pool's answer, which comes on an event loop. It may come after nobody waits for it any more. */
    private static final class Eviction implements Handler<AsyncResult<Object>> {
        private final CountDownLatch done = new CountDownLatch(1);
        private final Connection connection;
        private boolean promised;
        private boolean refused;

        Eviction(Connection connection) {
            this.connection = connection;
        }

        @Override
        public void handle(AsyncResult<Object> result) {
            List<?> taken = result.succeeded() ? (List<?>) result.result() : null;
            boolean evicted = taken != null && !taken.isEmpty();
            boolean late;
            synchronized (this) {
                refused = !evicted;
                late = promised;
            }
            done.countDown();
            if (late && !evicted) {
                connection.notEvicted();
            }
            if (taken != null) {
                for (Object one : taken) {
                    close(one);
                }
            }
        }

        /** Whether it is being closed; if that is not known in time, it is taken for granted. */
        boolean await() throws InterruptedException {
            done.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            synchronized (this) {
                promised = !refused;
                return promised;
            }
        }
    }

    @Override
    public boolean finish(Object handle) {
        return false; // whatever is in the receive buffer was read already, by the event loop
    }
}
