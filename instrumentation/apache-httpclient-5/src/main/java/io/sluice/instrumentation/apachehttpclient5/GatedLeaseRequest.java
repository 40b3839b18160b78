package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.impl.io.BasicHttpClientConnectionManager;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.io.LeaseRequest;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * What the client waits on instead of its own request: first for the lease, then, with the lease in hand, for the manager's
 * own request, which it makes only then, since a pool takes the entry when it is asked. Timeout, interrupt and cancel end
 * both waits with the exceptions that the client knows from its pool.
 *
 * <p>One thread calls {@link #get}, any thread {@link #cancel}.
 */
final class GatedLeaseRequest implements LeaseRequest {
    /** The request whose lease the calling thread has in hand. */
    private static final ThreadLocal<@Nullable GatedLeaseRequest> IN_HAND = new ThreadLocal<>();

    private static final int WAITING = 0;
    /** The lease belongs to {@link #get}, and the manager's own request is under way. */
    private static final int LEASING = 1;

    private static final int CANCELLED = 2;

    private final HttpClientConnectionManager manager;
    private final @Nullable ManagedConnPool<HttpRoute, ManagedHttpClientConnection> pool;
    private final ManagerState managerState;
    private final @Nullable String id;
    private final HttpRoute route;
    private final @Nullable Timeout requestTimeout;
    private final @Nullable Object state;
    private final Lease lease;

    private final AtomicInteger progress = new AtomicInteger(WAITING);
    /** Whether the endpoint knows the lease, and gives it back when it is released. Only the thread in {@link #get}. */
    private boolean tied;

    private volatile boolean cancelledLate;
    private volatile @Nullable LeaseRequest own;
    private volatile @Nullable ConnectionEndpoint endpoint;

    GatedLeaseRequest(
            HttpClientConnectionManager manager,
            @Nullable ManagedConnPool<HttpRoute, ManagedHttpClientConnection> pool,
            ManagerState managerState,
            @Nullable String id,
            HttpRoute route,
            @Nullable Timeout requestTimeout,
            @Nullable Object state,
            Lease lease) {
        this.manager = manager;
        this.pool = pool;
        this.managerState = managerState;
        this.id = id;
        this.route = route;
        this.requestTimeout = requestTimeout;
        this.state = state;
        this.lease = lease;
    }

    /** The request whose lease the calling thread has in hand, or null. */
    static @Nullable GatedLeaseRequest inHand() {
        return IN_HAND.get();
    }

    /** Hands the lease over to the endpoint that was made for it. */
    Lease tie() {
        tied = true;
        return lease;
    }

    /** Where the manager keeps the connection of this entry. */
    Handle handle(PoolEntry<HttpRoute, ManagedHttpClientConnection> entry) {
        if (pool == null) {
            throw new IllegalStateException("an entry, but no pool");
        }
        return new PooledHandle(pool, managerState, entry);
    }

    /** Where the manager keeps its one connection. */
    Handle handle(ManagedHttpClientConnection connection) {
        return new BasicHandle((BasicHttpClientConnectionManager) manager, connection);
    }

    @Override
    public ConnectionEndpoint get(@Nullable Timeout timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        ConnectionEndpoint known = endpoint;
        if (known != null) {
            return known;
        }
        long waitedNanos = awaitLease(timeout);
        if (!progress.compareAndSet(WAITING, LEASING)) {
            throw new CancellationException(lease.refusal());
        }
        checkRefusal();
        try {
            ConnectionEndpoint acquired = leaseFromManager(timeout, waitedNanos);
            endpoint = acquired;
            return acquired;
        } finally {
            if (!tied) {
                ConnectionGate.release(lease);
            }
        }
    }

    private long awaitLease(@Nullable Timeout timeout) {
        if (!lease.isPending()) {
            return 0;
        }
        long startNanos = System.nanoTime();
        // Zero means: at once or never. That was said about a pool of the program's own choice, not about our limit.
        long clientMaxNanos = timeout != null ? timeout.getTimeUnit().toNanos(timeout.getDuration()) : 0;
        lease.await(ConnectionGate.maxWaitNanos(clientMaxNanos));
        managerState.waitsNoMore(lease);
        return System.nanoTime() - startNanos;
    }

    private void checkRefusal() throws InterruptedException, TimeoutException {
        if (lease.isHeld()) {
            return;
        }
        Wait.Outcome outcome = lease.outcome();
        if (outcome == Wait.Outcome.INTERRUPTED) {
            Thread.interrupted(); // as every method that throws this
            throw new InterruptedException(lease.refusal());
        }
        if (outcome == Wait.Outcome.TIMEOUT || outcome == Wait.Outcome.QUEUE_FULL) {
            throw new TimeoutException(lease.refusal());
        }
        // The manager was closed: it says so itself, without a lease.
    }

    private ConnectionEndpoint leaseFromManager(@Nullable Timeout timeout, long waitedNanos)
            throws InterruptedException, ExecutionException, TimeoutException {
        GatedLeaseRequest before = IN_HAND.get();
        IN_HAND.set(this);
        try {
            LeaseRequest request = manager.lease(id, route, rest(requestTimeout, waitedNanos), state);
            own = request;
            if (cancelledLate) {
                request.cancel();
            }
            return request.get(rest(timeout, waitedNanos));
        } finally {
            if (before == null) {
                IN_HAND.remove();
            } else {
                IN_HAND.set(before);
            }
        }
    }

    /** What is left of a timeout; never zero, which would mean something else. */
    private static @Nullable Timeout rest(@Nullable Timeout timeout, long waitedNanos) {
        if (waitedNanos == 0 || timeout == null || !TimeValue.isPositive(timeout)) {
            return timeout;
        }
        long leftMillis = timeout.toMilliseconds() - TimeUnit.NANOSECONDS.toMillis(waitedNanos);
        return Timeout.ofMilliseconds(Math.max(1, leftMillis));
    }

    @Override
    public boolean cancel() {
        if (progress.compareAndSet(WAITING, CANCELLED)) {
            managerState.waitsNoMore(lease);
            ConnectionGate.release(lease); // whether it is held or still waits
            return true;
        }
        cancelledLate = true;
        LeaseRequest request = own;
        return request != null && request.cancel();
    }
}
