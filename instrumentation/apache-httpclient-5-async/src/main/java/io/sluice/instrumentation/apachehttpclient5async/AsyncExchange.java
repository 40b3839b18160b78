package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.FailOpen;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.nio.ManagedAsyncClientConnection;
import org.apache.hc.core5.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** What is known of an endpoint from its lease to its release. Does not reach the endpoint itself. Thread-safe. */
public final class AsyncExchange implements Runnable {
    /** Where the pool keeps the endpoint's connection. */
    final WeakReference<PoolEntry<HttpRoute, ManagedAsyncClientConnection>> entry;

    private final AtomicBoolean over = new AtomicBoolean();
    private volatile @Nullable Handle handle;
    private volatile @Nullable GatedConnect<?> opening;

    AsyncExchange(PoolEntry<HttpRoute, ManagedAsyncClientConnection> entry) {
        this.entry = new WeakReference<>(entry);
    }

    /** The exchange has its part in the connection's lease, until {@link #end}. */
    void joined(Handle joined) {
        handle = joined;
    }

    /** Where the connection is kept; null in an exchange that goes unlimited. */
    @Nullable
    Handle handle() {
        return handle;
    }

    /** A connection is being opened for this exchange. */
    void opens(GatedConnect<?> newOpening) {
        opening = newOpening;
    }

    /** The exchange is over, or never to be heard of again. Idempotent. */
    void end() {
        Handle used = handle;
        if (used == null || !over.compareAndSet(false, true)) {
            return;
        }
        try {
            GatedConnect<?> unfinished = opening;
            if (unfinished != null) {
                unfinished.abandonUnlessDone();
            }
        } finally {
            used.leave();
        }
    }

    boolean isOver() {
        return over.get();
    }

    /** The endpoint was lost: closes its connection, for whose room somebody may wait. */
    @Override
    public void run() {
        Handle lost = handle;
        try {
            if (lost != null) {
                lost.closeLost();
            }
        } catch (Exception | LinkageError fault) {
            FailOpen.report(fault);
        }
    }
}
