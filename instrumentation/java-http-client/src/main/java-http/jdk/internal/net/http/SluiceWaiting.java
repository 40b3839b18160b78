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
    /** What it waits for; null where it waits for a stream of an HTTP/2 connection. */
    private final @Nullable Lease lease;

    private final boolean http2;
    private final CompletableFuture<Object> result = new CompletableFuture<>();
    private volatile @Nullable ScheduledFuture<?> timer;

    private SluiceWaiting(Exchange<?> exchange, @Nullable Lease lease, boolean http2) {
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
            SluiceStreams.waitsForLease(waiting);
        }
        waiting.timer = ConnectionGate.endAfter(lease, 0);
        if (!lease.whenSettled(waiting)) {
            waiting.goOn();
        } else if (http2) {
            SluiceStreams.lookAgain(waiting); // a connection may have come since the exchange looked for one
        }
        return waiting.result;
    }

    /**
     * Waits for a stream of a connection that has none left.
     *
     * @return what {@code ExchangeImpl.get} is to return
     */
    static CompletableFuture<?> beginForStream(Exchange<?> exchange, SluiceHttp2.State state) throws Throwable {
        SluiceWaiting waiting = new SluiceWaiting(exchange, null, true);
        ALL.put(exchange, waiting);
        SluiceStreams.waitsForStream(waiting, state);
        return waiting.result;
    }

    Exchange<?> exchange() {
        return exchange;
    }

    /**
     * The exchange can go as a further stream of an HTTP/2 connection and needs no lease: its wait has ended well.
     *
     * @return false if the wait was over already
     */
    boolean sendAlong() {
        return lease != null && lease.abandon(Wait.Outcome.GRANTED);
    }

    /** The lease has settled; called in the background. */
    @Override
    public void run() {
        goOn();
    }

    private void goOn() {
        if (http2) {
            SluiceStreams.noLongerWaits(this);
        }
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        execute(this::continueExchange);
    }

    private void continueExchange() throws Throwable {
        Lease settled = lease;
        if (settled == null || result.isDone()) {
            ConnectionGate.release(settled);
        } else if (settled.isHeld()) {
            proceed(settled);
        } else if (settled.outcome() == Wait.Outcome.GRANTED) {
            goAlong();
        } else {
            fail(new HttpConnectTimeoutException(settled.refusal()));
        }
    }

    private void proceed(Lease granted) throws Throwable {
        if (http2 && SluiceHttp2.active(exchange) != null) {
            granted.release(); // meanwhile there is a connection on which it can go as a further stream
            goAlong();
        } else {
            forget();
            relay(SluiceExchanges.resume(exchange, granted));
        }
    }

    /** A stream has come free; called with locks of the client's held, perhaps, and so no place for its executor. */
    void retry() {
        Background.executor().execute(() -> execute(this::goAlong));
    }

    private void goAlong() throws Throwable {
        if (!result.isDone()) {
            forget();
            relay(SluiceExchanges.get(exchange));
        }
    }

    /** Goes on, on the client's executor as the client itself would after a connect. */
    private void execute(Step step) {
        try {
            exchange.client().theExecutor().delegate().execute(() -> {
                try {
                    step.run();
                } catch (Throwable fault) {
                    ConnectionGate.release(lease);
                    fail(fault);
                }
            });
        } catch (Throwable rejected) {
            ConnectionGate.release(lease);
            fail(rejected);
        }
    }

    private interface Step {
        void run() throws Throwable;
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
        Lease wanted = lease;
        if (wanted != null && cause instanceof HttpTimeoutException && wanted.abandon(Wait.Outcome.TIMEOUT)) {
            told = new HttpConnectTimeoutException(wanted.refusal());
            told.initCause(new ConnectException(wanted.refusal()));
        } else if (wanted != null) {
            wanted.abandon(Wait.Outcome.CANCELLED);
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
