package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.http.concurrent.BasicFuture;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.nio.pool.AbstractNIOConnPool;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/**
 * What a client has instead of the pool's own future: asks the pool when the lease is there, and passes on what the pool
 * answers. Thread-safe; nobody is parked but who calls {@code get}.
 */
final class LeasedRequest
        implements Future<PoolEntry<Object, Object>>, FutureCallback<PoolEntry<Object, Object>>, Runnable {
    /** What the client asked for. Immutable. */
    static final class Arguments {
        final Object route;
        final @Nullable Object state;
        final long connectTimeout;
        final long leaseTimeout;
        final TimeUnit timeUnit;

        Arguments(Object route, @Nullable Object state, long connectTimeout, long leaseTimeout, TimeUnit timeUnit) {
            this.route = route;
            this.state = state;
            this.connectTimeout = connectTimeout;
            this.leaseTimeout = leaseTimeout;
            this.timeUnit = timeUnit;
        }

        /** What is left of the time to obtain a connection, in its unit; zero or less means no limit. */
        long leftOfLeaseTimeout(long sinceNanos) {
            if (leaseTimeout <= 0) {
                return leaseTimeout;
            }
            long left = leaseTimeout - timeUnit.convert(System.nanoTime() - sinceNanos, TimeUnit.NANOSECONDS);
            return Math.max(1, left);
        }
    }

    private final AbstractNIOConnPool<Object, Object, PoolEntry<Object, Object>> pool;
    private final PoolState waiters;
    private final Lease lease;
    private final Arguments asked;
    private final long askedNanos = System.nanoTime();
    private final BasicFuture<PoolEntry<Object, Object>> result;
    private volatile boolean cancelled;
    /** The pool's own future, once it was asked. */
    private volatile @Nullable Future<PoolEntry<Object, Object>> own;

    private volatile @Nullable Throwable thrownByPool;
    private volatile @Nullable Object ownRoute;
    private volatile @Nullable Future<?> timer;

    LeasedRequest(
            AbstractNIOConnPool<Object, Object, PoolEntry<Object, Object>> pool,
            PoolState waiters,
            Lease lease,
            Arguments asked,
            @Nullable FutureCallback<PoolEntry<Object, Object>> callback) {
        this.pool = pool;
        this.waiters = waiters;
        this.lease = lease;
        this.asked = asked;
        this.result = new BasicFuture<>(callback);
    }

    /** Goes on at once where there is an answer already, otherwise later in the background. */
    void begin() {
        if (!lease.isPending() || !waitsFor()) {
            goOn();
        }
    }

    /** What the pool has thrown instead of an answer, or null. */
    @Nullable
    Throwable thrownByPool() {
        return thrownByPool;
    }

    private boolean waitsFor() {
        waiters.waits(lease);
        long clientMaxNanos = asked.leaseTimeout <= 0 ? 0 : Math.max(1, asked.timeUnit.toNanos(asked.leaseTimeout));
        timer = ConnectionGate.endAfter(lease, clientMaxNanos);
        if (!lease.whenSettled(this)) {
            noLongerWaits();
            return false;
        }
        if (pool.isShutdown()) {
            lease.abandon(Wait.Outcome.CANCELLED); // whoever shut it down may have looked too early
        }
        return true;
    }

    private void noLongerWaits() {
        waiters.waitsNoMore(lease);
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
    }

    /** There is an answer; called in the background. */
    @Override
    public void run() {
        try {
            noLongerWaits();
            goOn();
        } catch (RuntimeException | Error fault) {
            FailOpen.report(fault);
            over();
            askPool(asked.route);
        }
        Throwable thrown = thrownByPool;
        if (thrown != null) {
            // As the client does with what the pool throws at it.
            result.failed(thrown instanceof Exception ? (Exception) thrown : new IllegalStateException(thrown));
        }
    }

    private void goOn() {
        if (cancelled) {
            ConnectionGate.release(lease);
        } else if (lease.isHeld()) {
            Object route = Routes.copy(asked.route);
            ownRoute = route;
            Connects.expect(route, new Ticket(lease, pool, this));
            askPool(route);
        } else if (lease.outcome() != Wait.Outcome.CANCELLED) {
            result.failed(new TimeoutException(lease.refusal()));
        } else if (pool.isShutdown()) {
            askPool(asked.route); // which says so
        } // otherwise the client has cancelled it, and expects no answer
    }

    private void askPool(Object route) {
        try {
            own = pool.lease(
                    route,
                    asked.state,
                    asked.connectTimeout,
                    asked.leftOfLeaseTimeout(askedNanos),
                    asked.timeUnit,
                    this);
        } catch (RuntimeException | Error thrown) {
            over();
            thrownByPool = thrown;
        }
        Future<PoolEntry<Object, Object>> future = own;
        if (cancelled && future != null) {
            future.cancel(true);
        }
    }

    /** The exchange ends without a connection, or goes on with one. */
    private void forgetRoute() {
        Object route = ownRoute;
        if (route != null) {
            Connects.expectNoMore(route);
        }
    }

    private void over() {
        forgetRoute();
        ConnectionGate.release(lease);
    }

    @Override
    public void completed(PoolEntry<Object, Object> entry) {
        forgetRoute();
        try {
            Kept kept = Connects.ENTRIES.get(entry);
            if (kept == null) {
                // A connection that nobody counts, of the time when there was no limit.
                kept = new Kept(pool, entry);
                Connects.ENTRIES.put(entry, kept);
            }
            kept.usedBy(lease);
        } catch (RuntimeException | Error fault) {
            FailOpen.report(fault);
            ConnectionGate.release(lease);
        }
        if (!result.completed(entry)) {
            pool.release(entry, true); // cancelled meanwhile; as the pool does it
        }
    }

    @Override
    public void failed(Exception thrown) {
        over();
        result.failed(thrown);
    }

    @Override
    public void cancelled() {
        over();
        result.cancel(true);
    }

    /** Leaves the queue, or cancels what the pool does for this. */
    @Override
    public boolean cancel(boolean mayInterrupt) {
        boolean wasDone = result.isDone();
        cancelled = true;
        lease.abandon(Wait.Outcome.CANCELLED);
        Future<PoolEntry<Object, Object>> future = own;
        if (future != null) {
            future.cancel(mayInterrupt);
        }
        result.cancel(mayInterrupt);
        return !wasDone && result.isCancelled();
    }

    @Override
    public boolean isCancelled() {
        return result.isCancelled();
    }

    @Override
    public boolean isDone() {
        return result.isDone();
    }

    @Override
    public PoolEntry<Object, Object> get() throws InterruptedException, ExecutionException {
        return result.get();
    }

    @Override
    public PoolEntry<Object, Object> get(long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        return result.get(timeout, unit);
    }
}
