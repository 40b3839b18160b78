package io.sluice.instrumentation.reactornetty;

import io.netty.channel.EventLoop;
import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquirePendingLimitException;
import reactor.netty.internal.shaded.reactor.pool.PoolShutdownException;
import reactor.util.context.Context;

/**
 * One exchange from asking for its lease to giving it back. While it waits it is a subscription to which nothing happens;
 * then the client's own publisher is subscribed to, on an event loop. The pool and the connector know it by the Reactor
 * context. Thread-safe; no thread is parked.
 */
final class Exchange implements CoreSubscriber<Connection>, Subscription, Disposable, Runnable {
    /** Its key in the Reactor context. */
    private static final Object KEY = Exchange.class;

    /** The exchange that subscribes on this thread: without a pool, the connect follows at once. */
    private static final ThreadLocal<@Nullable Exchange> SUBSCRIBING = new ThreadLocal<>();

    final Lease lease;
    private final @Nullable Acquisition acquisition;
    private final @Nullable Mono<? extends Connection> source;
    private final @Nullable CoreSubscriber<? super Connection> actual;

    private volatile boolean cancelled;
    private volatile boolean disposed;
    private volatile @Nullable Subscription upstream;
    private volatile @Nullable ScheduledFuture<?> timer;
    private volatile boolean connected;

    Exchange(
            Lease lease,
            Acquisition acquisition,
            Mono<? extends Connection> source,
            CoreSubscriber<? super Connection> actual) {
        this.lease = lease;
        this.acquisition = acquisition;
        this.source = source;
        this.actual = actual;
    }

    /** The holder of a lease for a connection that the client opens without an exchange of ours. */
    Exchange(Lease lease) {
        this.lease = lease;
        this.acquisition = null;
        this.source = null;
        this.actual = null;
    }

    static @Nullable Exchange in(Context context) {
        return context.getOrDefault(KEY, null);
    }

    static @Nullable Exchange subscribing() {
        return SUBSCRIBING.get();
    }

    void begin() {
        subscriber().onSubscribe(this);
        if (!lease.isPending()) {
            proceed();
            return;
        }
        Object provider = acquisition().provider();
        if (provider != null) {
            Providers.of(provider).waits(this);
        }
        limitWait();
        if (!lease.whenSettled(this)) {
            settled();
        }
    }

    private void limitWait() {
        long clientMillis = Providers.pendingAcquireTimeoutMillis(
                acquisition().provider(), acquisition().get());
        long maxNanos = ConnectionGate.maxWaitNanos(TimeUnit.MILLISECONDS.toNanos(clientMillis));
        if (maxNanos > 0) {
            timer = Background.executor()
                    .schedule(() -> lease.abandon(Wait.Outcome.TIMEOUT), maxNanos, TimeUnit.NANOSECONDS);
        }
    }

    /** The lease is granted or refused; called in the background. */
    @Override
    public void run() {
        settled();
    }

    private void settled() {
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        Object provider = acquisition().provider();
        if (provider != null) {
            Providers.of(provider).noLongerWaits(this);
        }
        if (cancelled) {
            lease.release();
            return;
        }
        try {
            eventLoop().execute(this::proceed);
        } catch (Throwable shutDown) {
            lease.release();
            subscriber().onError(shutDown);
        }
    }

    private EventLoop eventLoop() {
        return acquisition()
                .config
                .loopResources()
                .onClient(acquisition().config.isPreferNative())
                .next();
    }

    private void proceed() {
        if (cancelled) {
            lease.release();
        } else if (lease.isHeld()) {
            subscribeToSource();
        } else {
            subscriber().onError(refusal());
        }
    }

    private void subscribeToSource() {
        Exchange before = SUBSCRIBING.get();
        SUBSCRIBING.set(this);
        try {
            source().subscribe(this);
        } finally {
            if (before == null) {
                SUBSCRIBING.remove();
            } else {
                SUBSCRIBING.set(before);
            }
        }
    }

    private Throwable refusal() {
        switch (lease.outcome()) {
            case QUEUE_FULL:
                return new PoolAcquirePendingLimitException(0, lease.refusal());
            case TIMEOUT:
                return new WaitTimeoutException(
                        Duration.ofNanos(ConnectionGate.maxWaitNanos(
                                TimeUnit.MILLISECONDS.toNanos(Providers.pendingAcquireTimeoutMillis(
                                        acquisition().provider(), acquisition().get())))),
                        lease.refusal());
            default:
                return new PoolShutdownException();
        }
    }

    /** The pools of its provider are closed: whoever waits in them is told so at once. */
    void providerDisposed() {
        disposed = true;
        lease.abandon(Wait.Outcome.CANCELLED);
    }

    /** Whether the program has given up on this exchange, or it has ended. */
    boolean isOver() {
        return cancelled || !lease.isHeld();
    }

    /** The exchange is over. Idempotent. */
    void end() {
        ConnectionGate.release(lease);
    }

    // ---- What the client subscribes to ----------------------------------------------------------------------------

    @Override
    public void request(long n) {
        // One connection, when there is one.
    }

    @Override
    public void cancel() {
        cancelled = true;
        Subscription running = upstream;
        if (running != null) {
            running.cancel();
            if (!connected) {
                end();
            }
        } else {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }

    /** The program has given up, or has its response: the client itself would not cancel what it subscribed to. */
    @Override
    public void dispose() {
        if (lease.isPending()) {
            cancel();
        }
    }

    @Override
    public boolean isDisposed() {
        return disposed || cancelled;
    }

    // ---- What subscribes to the client's own publisher -------------------------------------------------------------

    @Override
    public Context currentContext() {
        return subscriber().currentContext().put(KEY, this);
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        upstream = subscription;
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Connection connection) {
        connected = true;
        try {
            ChannelState.connected(connection, this);
        } catch (Throwable fault) {
            end();
            FailOpen.report(fault);
        }
        subscriber().onNext(connection);
    }

    @Override
    public void onError(Throwable failure) {
        end();
        subscriber().onError(failure);
    }

    @Override
    public void onComplete() {
        if (!connected) {
            end();
        }
        subscriber().onComplete();
    }

    private CoreSubscriber<? super Connection> subscriber() {
        return present(actual);
    }

    private Acquisition acquisition() {
        return present(acquisition);
    }

    private Mono<? extends Connection> source() {
        return present(source);
    }

    private static <T> T present(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("no exchange of the program's");
        }
        return value;
    }
}
