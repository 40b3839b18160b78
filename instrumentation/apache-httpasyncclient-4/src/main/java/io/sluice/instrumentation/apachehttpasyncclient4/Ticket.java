package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.Background;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import org.apache.http.nio.pool.AbstractNIOConnPool;

/** On whose behalf a pool may open a connection. Immutable; reaches nothing of the client's but weakly. */
final class Ticket {
    final Lease lease;
    final WeakReference<AbstractNIOConnPool<?, ?, ?>> pool;
    private final WeakReference<LeasedRequest> request;

    Ticket(Lease lease, AbstractNIOConnPool<?, ?, ?> pool, LeasedRequest request) {
        this.lease = lease;
        this.pool = new WeakReference<AbstractNIOConnPool<?, ?, ?>>(pool);
        this.request = new WeakReference<>(request);
    }

    /**
     * The opening was cancelled. A pool that is being shut down tells nobody, so whoever waits would wait for ever; called
     * with its lock held, perhaps.
     */
    void openingCancelled() {
        AbstractNIOConnPool<?, ?, ?> from = pool.get();
        LeasedRequest waiting = request.get();
        if (from != null && waiting != null && from.isShutdown()) {
            Background.executor().execute(waiting::cancelled);
        }
    }
}
