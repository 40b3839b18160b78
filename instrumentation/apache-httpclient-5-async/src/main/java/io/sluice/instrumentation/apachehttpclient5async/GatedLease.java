package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.core5.concurrent.BasicFuture;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * An exchange between its asking for an endpoint and its having one. Where it has to wait for its lease, this stands for
 * the result of {@code AsyncClientConnectionManager.lease}, which is called only then, since a pool takes the entry when
 * it is asked. Where it need not wait, this is only the callback of the manager's own lease.
 *
 * <p>Thread-safe. No thread is parked: the exchange goes on in the background, or, when it is cancelled, on the thread that
 * cancels it.
 */
public final class GatedLease
        implements Future<AsyncConnectionEndpoint>, FutureCallback<AsyncConnectionEndpoint>, Runnable {
    private static final int WAITING = 0;
    /** The lease belongs to the manager's own lease, which is under way or done. */
    private static final int LEASING = 1;

    private static final int CANCELLED = 2;

    private final LeaseCall call;
    private final ManagerState manager;
    private final Ask ask;
    private final BasicFuture<AsyncConnectionEndpoint> result;
    private final AtomicInteger progress = new AtomicInteger(WAITING);
    private final long startNanos = System.nanoTime();
    /** Null in an exchange that means to share a connection which somebody else has a lease for. */
    private volatile @Nullable Lease lease;

    private volatile boolean unlimited;
    private volatile boolean cancelledLate;
    private volatile @Nullable Future<?> timer;
    private volatile @Nullable Future<AsyncConnectionEndpoint> own;

    GatedLease(
            LeaseCall call,
            ManagerState manager,
            Ask ask,
            @Nullable FutureCallback<AsyncConnectionEndpoint> callback) {
        this.call = call;
        this.manager = manager;
        this.ask = ask;
        this.result = new BasicFuture<>(callback);
    }

    /**
     * Asks for a lease. Does not block.
     *
     * @return false: go on unlimited
     */
    boolean ask() {
        lease = ConnectionGate.ask(ask);
        return lease != null;
    }

    /**
     * Goes as far as it can without a lease in hand.
     *
     * @return whether this stands for the result from now on; otherwise the lease is held, and the manager's own lease is
     *     to be called with this as its callback
     */
    public boolean waits() {
        Lease wanted = lease;
        if (wanted != null && wanted.isHeld()) {
            progress.set(LEASING);
            return false;
        }
        begin();
        return true;
    }

    private void begin() {
        Lease wanted = lease;
        if (wanted == null || wanted.isHeld()) {
            progress.set(LEASING);
            leaseFromManager();
            return;
        }
        AsyncHooks.EXCHANGES.beginWait();
        manager.waits(this);
        long maxNanos = ConnectionGate.maxWaitNanos(call.timeoutNanos());
        if (maxNanos > 0) {
            timer = Background.executor()
                    .schedule(() -> wanted.abandon(Wait.Outcome.TIMEOUT), maxNanos, TimeUnit.NANOSECONDS);
        }
        if (!wanted.whenSettled(this)) {
            run();
        } else if (manager.canJoin(call.route, call.state)) {
            join(); // a connection may have come since the exchange looked for one
        }
    }

    /** Whether a connection of this route would do that is in use already. */
    boolean wouldShare(Object route) {
        return call.state == null && call.route.equals(route);
    }

    /** There is a connection in use that can be shared: the wait has ended well. */
    void join() {
        Lease wanted = lease;
        if (wanted != null) {
            wanted.abandon(Wait.Outcome.GRANTED);
        }
    }

    /** Nobody waits for a closed manager. */
    void managerIsClosed() {
        Lease wanted = lease;
        if (wanted != null) {
            wanted.abandon(Wait.Outcome.CANCELLED);
        }
    }

    /** The lease has settled; called once for each wait. */
    @Override
    public void run() {
        manager.waitsNoMore(this);
        AsyncHooks.EXCHANGES.endWait();
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        if (!progress.compareAndSet(WAITING, LEASING)) {
            return; // whoever cancelled gave the lease back
        }
        Lease settled = lease;
        if (settled == null || settled.isHeld()) {
            leaseFromManager();
        } else if (settled.outcome() == Wait.Outcome.GRANTED) {
            lease = null;
            leaseFromManager();
        } else if (settled.outcome() == Wait.Outcome.CANCELLED) {
            cancelled();
        } else {
            failed(call.timeoutException(new TimeoutException(settled.refusal())));
        }
    }

    private void leaseFromManager() {
        try {
            Future<AsyncConnectionEndpoint> future = call.lease(System.nanoTime() - startNanos, this);
            own = future;
            if (cancelledLate && future != null) {
                future.cancel(true);
            }
        } catch (Exception refused) {
            failed(refused);
        }
    }

    /** The pool has leased an entry. On whatever thread that happens. */
    @Override
    public void completed(AsyncConnectionEndpoint endpoint) {
        boolean joined = true;
        try {
            joined = AsyncHooks.acquired(endpoint, call, manager, lease) || unlimited;
        } catch (Throwable fault) {
            ConnectionGate.release(lease);
            FailOpen.report(fault);
        }
        if (joined) {
            result.completed(endpoint);
        } else {
            askAgain(endpoint);
        }
    }

    /** Those with whom the connection was to be shared are gone: it waits for a lease of its own after all. */
    private void askAgain(AsyncConnectionEndpoint endpoint) {
        try {
            call.giveBack(endpoint);
            progress.set(WAITING);
            unlimited = !ask();
            begin();
        } catch (Exception refused) {
            failed(refused);
        }
    }

    @Override
    public void failed(Exception cause) {
        ConnectionGate.release(lease);
        result.failed(cause);
    }

    @Override
    public void cancelled() {
        ConnectionGate.release(lease);
        result.cancel();
    }

    /** The manager's own lease, of which this is the callback, has thrown. */
    public void thrown() {
        ConnectionGate.release(lease);
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
        if (progress.compareAndSet(WAITING, CANCELLED)) {
            cancelled(); // releases the lease, whether it is held or still waits
            return true;
        }
        cancelledLate = true;
        Future<AsyncConnectionEndpoint> future = own;
        return future != null && future.cancel(mayInterrupt);
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
    public AsyncConnectionEndpoint get() throws InterruptedException, ExecutionException {
        return result.get();
    }

    @Override
    public AsyncConnectionEndpoint get(long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        return result.get(timeout, unit);
    }

    @Override
    public String toString() {
        return "lease for " + ask.server();
    }

    /** What is left of a timeout; never zero, which would mean something else. */
    static @Nullable Timeout rest(@Nullable Timeout timeout, long waitedNanos) {
        long waitedMillis = TimeUnit.NANOSECONDS.toMillis(waitedNanos);
        if (waitedMillis == 0 || timeout == null || !TimeValue.isPositive(timeout)) {
            return timeout;
        }
        return Timeout.ofMilliseconds(Math.max(1, timeout.toMilliseconds() - waitedMillis));
    }
}
