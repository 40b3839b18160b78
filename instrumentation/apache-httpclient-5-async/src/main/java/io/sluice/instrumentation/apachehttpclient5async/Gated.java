package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.core5.concurrent.BasicFuture;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.util.Deadline;
import org.apache.hc.core5.util.DeadlineTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A call by which an exchange obtains something to send its request on, at the gate. Where it has to wait for its lease,
 * this stands for the result of that call, which is made only then; where it need not wait, this is only the callback of
 * the client's own call.
 *
 * <p>Thread-safe. No thread is parked: the exchange goes on in the background, or, when it is cancelled, on the thread that
 * cancels it.
 */
public abstract class Gated<T> implements Future<T>, FutureCallback<T>, Runnable {
    private static final int WAITING = 0;
    /** The client's own call is under way or done. */
    private static final int CALLING = 1;

    private static final int CANCELLED = 2;

    private final Ask ask;
    private final long timeoutNanos;
    private final long startMillis = System.currentTimeMillis();
    private final long startNanos = System.nanoTime();
    private final AtomicInteger progress = new AtomicInteger(WAITING);
    final BasicFuture<T> result;

    /** Null in an exchange that means to share a connection which somebody else has a lease for. */
    private volatile @Nullable Lease lease;

    private volatile boolean unlimited;
    /** Whether a connection that seemed to be in use was not: it may seem so for long. */
    private volatile boolean disappointed;

    private volatile boolean cancelledLate;
    private volatile @Nullable Future<?> timer;
    private volatile @Nullable Future<T> own;

    /**
     * Asks nobody yet.
     *
     * @param timeoutNanos the client's own limit for the wait; 0: none
     */
    Gated(Ask ask, long timeoutNanos, @Nullable FutureCallback<T> callback) {
        this.ask = ask;
        this.timeoutNanos = timeoutNanos;
        this.result = new BasicFuture<>(callback);
    }

    /** Makes the client's own call again, with this as its callback. */
    abstract Future<T> call(long waitedNanos) throws Exception;

    /** Whether the exchange can go on without a lease, on a connection in use, as far as one can tell. */
    abstract boolean canShare();

    /**
     * The exchange is about to make the client's own call.
     *
     * @return false if it has no lease and nobody to share a connection with
     */
    abstract boolean enter(@Nullable Lease with);

    /** The exchange waits now: to be told of connections that it could share, and of the end of the pool. */
    abstract void waits();

    abstract void waitsNoMore();

    /** The exchange will not get what it wanted: whatever {@link #enter} took goes back. */
    abstract void gone();

    /**
     * Takes the place in the queue. Does not block.
     *
     * @return false: go on unlimited
     */
    final boolean ask() {
        return canShare() || askForLease();
    }

    final boolean askForLease() {
        lease = ConnectionGate.ask(ask);
        return lease != null;
    }

    /**
     * Goes as far as it can without waiting. Called once, after {@link #ask}.
     *
     * @return whether this stands for the result from now on; otherwise the client's own call is to be made with this as
     *     its callback
     */
    public final boolean standsIn() {
        Lease held = lease;
        if (held != null && held.isHeld()) {
            progress.set(CALLING);
            enter(held);
            return false;
        }
        begin();
        return true;
    }

    /** Without a lease at hand, or after a new one was asked for. */
    private void begin() {
        Lease wanted = lease;
        if (wanted == null || wanted.isHeld()) {
            progress.set(CALLING);
            enterAndCall(wanted);
            return;
        }
        waits();
        timer = ConnectionGate.endAfter(wanted, timeoutNanos);
        if (!wanted.whenSettled(this)) {
            run();
        } else if (!disappointed && canShare()) {
            share(); // a connection may have come since the exchange looked for one
        }
    }

    /** There is a connection in use that can be shared: the wait has ended well. */
    final void share() {
        Lease wanted = lease;
        if (wanted != null) {
            wanted.abandon(Wait.Outcome.GRANTED);
        }
    }

    /** Nobody waits for a closed pool. */
    final void poolIsClosed() {
        Lease wanted = lease;
        if (wanted != null) {
            wanted.abandon(Wait.Outcome.CANCELLED);
        }
    }

    /** The lease has settled; called once for each wait. */
    @Override
    public final void run() {
        waitsNoMore();
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        if (!progress.compareAndSet(WAITING, CALLING)) {
            return; // whoever cancelled gave the lease back
        }
        Lease settled = lease;
        if (settled == null || settled.isHeld()) {
            enterAndCall(settled);
        } else if (settled.outcome() == Wait.Outcome.GRANTED) {
            lease = null;
            enterAndCall(null);
        } else if (settled.outcome() == Wait.Outcome.CANCELLED) {
            cancelled();
        } else {
            failed(timeoutException(settled.refusal()));
        }
    }

    private void enterAndCall(@Nullable Lease with) {
        if (!enter(with) && !unlimited) {
            askAgain();
            return;
        }
        try {
            Future<T> future = call(System.nanoTime() - startNanos);
            own = future;
            if (cancelledLate && future != null) {
                future.cancel(true);
            }
        } catch (Exception refused) {
            failed(refused);
        }
    }

    /** Those with whom a connection was to be shared are gone: it waits for a lease of its own after all. */
    final void askAgain() {
        disappointed = true;
        progress.set(WAITING);
        unlimited = !askForLease();
        begin();
    }

    /** The lease that was granted, or null. */
    final @Nullable Lease lease() {
        return lease;
    }

    /** The lease belongs to somebody else now. */
    final void disown() {
        lease = null;
    }

    /** Whether nobody limits any more. */
    final boolean isUnlimited() {
        return unlimited;
    }

    /**
     * What the pools throw when nothing came free in time (StrictConnPool, LaxConnPool). It cannot be given a message, so the
     * cause says what was waited for.
     */
    private Exception timeoutException(String refusal) {
        long waitedMillis = Math.max(0, System.currentTimeMillis() - startMillis);
        long maxMillis = TimeUnit.NANOSECONDS.toMillis(timeoutNanos);
        long deadlineMillis = startMillis + (maxMillis > 0 ? Math.min(maxMillis, waitedMillis) : waitedMillis);
        Exception thrown = DeadlineTimeoutException.from(Deadline.fromUnixMilliseconds(deadlineMillis));
        thrown.initCause(new TimeoutException(refusal));
        return thrown;
    }

    @Override
    public final void failed(Exception cause) {
        gone();
        ConnectionGate.release(lease);
        result.failed(cause);
    }

    @Override
    public final void cancelled() {
        gone();
        ConnectionGate.release(lease); // whether it is held or still waits
        result.cancel();
    }

    /** The client's own call, of which this is the callback, has thrown. */
    public final void thrown() {
        gone();
        ConnectionGate.release(lease);
    }

    @Override
    public final boolean cancel(boolean mayInterrupt) {
        if (progress.compareAndSet(WAITING, CANCELLED)) {
            cancelled();
            return true;
        }
        cancelledLate = true;
        Future<T> future = own;
        return future != null && future.cancel(mayInterrupt);
    }

    @Override
    public final boolean isCancelled() {
        return result.isCancelled();
    }

    @Override
    public final boolean isDone() {
        return result.isDone();
    }

    @Override
    public final T get() throws InterruptedException, ExecutionException {
        return result.get();
    }

    @Override
    public final T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        return result.get(timeout, unit);
    }
}
