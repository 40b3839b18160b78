package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Background;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.nio.ManagedAsyncClientConnection;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a pool. It is evicted as a client would use it: leased, closed, and released as not reusable. So it is claimed
 * under the pool's own lock, whatever the concurrency policy, and closed outside of it.
 */
final class PooledHandle extends Handle {
    /** As long as the client itself lets the end of TLS take (SSLIOSession). */
    private static final long CLOSING_SECONDS = 1;

    private final WeakReference<ManagedConnPool<HttpRoute, ManagedAsyncClientConnection>> pool;
    private final ManagerState manager;
    private final WeakReference<PoolEntry<HttpRoute, ManagedAsyncClientConnection>> entry;

    PooledHandle(
            ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> pool,
            ManagerState manager,
            PoolEntry<HttpRoute, ManagedAsyncClientConnection> entry) {
        this.pool = new WeakReference<>(pool);
        this.manager = manager;
        this.entry = new WeakReference<>(entry);
    }

    @Override
    boolean evict() throws InterruptedException, ExecutionException {
        ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> from = pool.get();
        PoolEntry<HttpRoute, ManagedAsyncClientConnection> wanted = entry.get();
        if (from == null || wanted == null) {
            return false;
        }
        if (manager.isClosed()) {
            // The pool has not closed what was leased then, and its manager takes nothing back: nobody else will close
            // it.
            closeConnectionOf(wanted);
            return true;
        }
        if (!claim(from, wanted)) {
            return isClosed();
        }
        try {
            closeConnectionOf(wanted);
        } finally {
            from.release(wanted, false);
        }
        return true;
    }

    private boolean claim(
            ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> from,
            PoolEntry<HttpRoute, ManagedAsyncClientConnection> wanted)
            throws InterruptedException, ExecutionException {
        manager.evictions.lock();
        try {
            return claimAlone(from, wanted);
        } catch (IllegalStateException closed) {
            return false; // a closed pool leases nothing
        } finally {
            manager.evictions.unlock();
        }
    }

    private static boolean claimAlone(
            ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> from,
            PoolEntry<HttpRoute, ManagedAsyncClientConnection> wanted)
            throws InterruptedException, ExecutionException {
        // A pool that prefers the youngest gives the eldest last.
        List<PoolEntry<HttpRoute, ManagedAsyncClientConnection>> others = new ArrayList<>(2);
        try {
            PoolEntry<HttpRoute, ManagedAsyncClientConnection> leased = leaseIdle(from, wanted);
            while (leased != null && leased != wanted) {
                others.add(leased);
                leased = leaseIdle(from, wanted);
            }
            return leased != null;
        } finally {
            for (int i = others.size() - 1; i >= 0; i--) {
                from.release(others.get(i), others.get(i).hasConnection());
            }
        }
    }

    @Override
    void closeLost() {
        ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> from = pool.get();
        PoolEntry<HttpRoute, ManagedAsyncClientConnection> lost = entry.get();
        if (from != null && lost != null) {
            lost.discardConnection(CloseMode.IMMEDIATE);
            from.release(lost, false); // or who was granted the lease would find no place in the pool
        }
    }

    /** Closes as the pool itself does with what has been idle for too long. */
    private void closeConnectionOf(PoolEntry<HttpRoute, ManagedAsyncClientConnection> claimed) {
        ManagedAsyncClientConnection idle = claimed.getConnection();
        if (idle != null) {
            idle.close(CloseMode.GRACEFUL);
        }
        Connection closing = connection();
        if (closing != null && !closing.isClosed()) {
            // The end of TLS is under way, but the peer need not answer, and somebody waits for the room.
            Background.executor().schedule(() -> Sockets.abandon(closing), CLOSING_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** The next idle entry that such an exchange would get, or null where it would have to wait or to connect. */
    private static @Nullable PoolEntry<HttpRoute, ManagedAsyncClientConnection> leaseIdle(
            ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> from,
            PoolEntry<HttpRoute, ManagedAsyncClientConnection> like)
            throws InterruptedException, ExecutionException {
        if (from.getStats(like.getRoute()).getAvailable() == 0) {
            return null;
        }
        Future<PoolEntry<HttpRoute, ManagedAsyncClientConnection>> future =
                from.lease(like.getRoute(), like.getState(), Timeout.DISABLED, null);
        if (!future.isDone() && future.cancel(true)) {
            return null;
        }
        PoolEntry<HttpRoute, ManagedAsyncClientConnection> leased;
        try {
            leased = future.get();
        } catch (CancellationException closed) {
            return null;
        }
        if (leased != null && !leased.hasConnection()) {
            from.release(leased, false);
            return null;
        }
        return leased;
    }
}
