package jdk.internal.net.http;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One exchange that waits for its lease. The future stands for the result of {@code ExchangeImpl.get}; once there is an
 * answer, the client's own executor goes on where the exchange had stopped. Whoever completes the future first decides:
 * a lease that comes later goes back. Thread-safe; no thread is parked.
 */
final class SluiceWaiting implements Runnable {
    /** Exchanges that wait. The values reach their keys, but each is removed when its wait is over. */
    private static final WeakMap<Exchange<?>, SluiceWaiting> ALL = new WeakMap<>();

    private final Exchange<?> exchange;
    private final Lease lease;
    private final boolean http2;
    private final CompletableFuture<Object> result = new CompletableFuture<>();
    private volatile @Nullable ScheduledFuture<?> timer;

    private SluiceWaiting(Exchange<?> exchange, Lease lease, boolean http2) {
        this.exchange = exchange;
        this.lease = lease;
        this.http2 = http2;
    }

    /** The waiting of an exchange, or null. */
    static @Nullable SluiceWaiting of(Exchange<?> exchange) {
        return ALL.get(exchange);
    }

    /**
     * Waits for a lease that is pending, or reports one that was refused at once.
     *
     * @return what {@code ExchangeImpl.get} is to return
     */
    static CompletableFuture<?> begin(Exchange<?> exchange, Lease lease, boolean http2) throws Throwable {
        SluiceWaiting waiting = new SluiceWaiting(exchange, lease, http2);
        if (!lease.isPending()) {
            waiting.goOn();
            return waiting.result;
        }
        ALL.put(exchange, waiting);
        if (http2) {
            SluiceHttp2.wait(waiting);
        }
        long maxNanos = ConnectionGate.maxWaitNanos(0);
        if (maxNanos > 0) {
            waiting.timer = Background.executor().schedule(waiting::timeout, maxNanos, TimeUnit.NANOSECONDS);
        }
        if (!lease.whenSettled(waiting)) {
            waiting.goOn();
        } else if (http2) {
            SluiceHttp2.lookAgain(waiting); // a connection may have come since the exchange looked for one
        }
        return waiting.result;
    }

    Exchange<?> exchange() {
        return exchange;
    }

    private void timeout() {
        lease.abandon(Wait.Outcome.TIMEOUT); // false: a grant is on its way, and is kept
    }

    /**
     * The exchange can go as a further stream of an HTTP/2 connection and needs no lease: its wait has ended well.
     *
     * @return false if the wait was over already
     */
    boolean sendAlong() {
        return lease.abandon(Wait.Outcome.GRANTED);
    }

    /** The lease has settled; called in the background. */
    @Override
    public void run() {
        goOn();
    }

    /** Goes on, on the client's executor as the client itself would after a connect. */
    void goOn() {
        if (http2) {
            SluiceHttp2.noLongerWaits(this);
        }
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        try {
            exchange.client().theExecutor().delegate().execute(this::continueExchange);
        } catch (Throwable rejected) {
            lease.release();
            fail(rejected);
        }
    }

    private void continueExchange() {
        try {
            if (result.isDone()) {
                lease.release();
            } else if (lease.isHeld()) {
                proceed();
            } else if (lease.outcome() == Wait.Outcome.GRANTED) {
                goAlong();
            } else {
                fail(new HttpConnectTimeoutException(lease.refusal()));
            }
        } catch (Throwable fault) {
            lease.release();
            fail(fault);
        }
    }

    private void proceed() throws Throwable {
        if (http2 && SluiceHttp2.waitForStream(this)) {
            lease.release();
            return;
        }
        forget();
        relay(SluiceExchanges.resume(exchange, lease));
    }

    /** A stream has come free; called on any thread. */
    void retry() {
        try {
            exchange.client().theExecutor().delegate().execute(() -> {
                try {
                    goAlong();
                } catch (Throwable fault) {
                    fail(fault);
                }
            });
        } catch (Throwable rejected) {
            fail(rejected);
        }
    }

    private void goAlong() throws Throwable {
        if (!result.isDone() && !SluiceHttp2.waitForStream(this)) {
            forget();
            relay(SluiceExchanges.get(exchange));
        }
    }

    boolean isOver() {
        return result.isDone();
    }

    private void relay(@Nullable CompletableFuture<?> from) {
        if (from == null) {
            fail(new IOException("Request cancelled"));
            return;
        }
        from.whenComplete((impl, failure) -> {
            if (failure != null) {
                fail(failure);
            } else if (!result.complete(impl) && impl instanceof ExchangeImpl) {
                // Cancelled meanwhile. The client does not know of this one yet, so nobody else would end it.
                ((ExchangeImpl<?>) impl).cancel(new IOException("Request cancelled"));
            }
        });
    }

    private void forget() {
        if (ALL.get(exchange) == this) {
            ALL.remove(exchange);
        }
    }

    private void fail(Throwable failure) {
        forget();
        result.completeExceptionally(failure);
    }

    /**
     * The client gives up on the exchange: because of {@code HttpRequest.timeout}, or because it was cancelled.
     *
     * @return the cause with which the client is to go on: that of a timeout says what was waited for
     */
    IOException cancelled(IOException cause) {
        IOException told = cause;
        if (cause instanceof HttpTimeoutException && lease.abandon(Wait.Outcome.TIMEOUT)) {
            told = new HttpConnectTimeoutException(lease.refusal());
            told.initCause(new ConnectException(lease.refusal()));
        } else {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
        IOException failure = told;
        try {
            // Runs on this thread, unless it is the selector's.
            exchange.client().theExecutor().execute(() -> fail(failure));
        } catch (Throwable rejected) {
            FailOpen.report(rejected);
            fail(failure);
        }
        return told;
    }
}
