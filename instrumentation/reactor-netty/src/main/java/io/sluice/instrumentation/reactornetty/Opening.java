package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.resolver.AddressResolverGroup;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquireTimeoutException;
import reactor.netty.transport.TransportConfig;
import reactor.netty.transport.TransportConnector;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A call of {@code TransportConnector.connect} that takes place when there is room: at once, or when an idle connection of
 * somebody's has been closed. It has the room through all its attempts, one per address. Thread-safe; no thread is parked.
 *
 * <p>A connection that the client opens on behalf of no exchange, to have one in store, takes a lease of its own first.
 */
final class Opening extends Mono<Channel> implements CoreSubscriber<Channel>, Subscription {
    /** By the initializer of their channels. */
    private static final WeakMap<Object, Opening> ALL = new WeakMap<>();

    /** Set while an opening calls the client's method. */
    private static final ThreadLocal<@Nullable Boolean> PASSING = new ThreadLocal<>();

    private final @Nullable Object[] arguments;
    private final Exchange exchange;
    /** Whether it must wait for its lease. */
    private final boolean ownLease;
    /** Whether it is opened for nobody. */
    private final boolean inStore;

    private @Nullable CoreSubscriber<? super Channel> actual;
    private volatile @Nullable Connection connection;
    private volatile @Nullable Subscription upstream;
    private volatile @Nullable Channel channel;
    private volatile @Nullable ScheduledFuture<?> timer;
    private volatile boolean cancelled;
    private volatile boolean terminated;
    private volatile boolean asked;
    private final AtomicBoolean begun = new AtomicBoolean();

    /** On behalf of an exchange that holds a lease. */
    Opening(@Nullable Object[] arguments, Exchange exchange) {
        this.arguments = arguments;
        this.exchange = exchange;
        this.inStore = false;
        this.ownLease = false;
    }

    /** On behalf of an exchange that has none, or of nobody. */
    Opening(@Nullable Object[] arguments, @Nullable Exchange exchange, Lease lease) {
        this.arguments = arguments;
        this.inStore = exchange == null;
        this.ownLease = true;
        if (exchange == null) {
            this.exchange = new Exchange(lease);
        } else {
            exchange.adopt(lease);
            this.exchange = exchange;
        }
    }

    static boolean isPassing() {
        return PASSING.get() != null;
    }

    /** The opening whose channels have this initializer, or null. */
    static @Nullable Opening of(@Nullable Object initializer) {
        return ALL.get(initializer);
    }

    @Override
    public void subscribe(CoreSubscriber<? super Channel> subscriber) {
        actual = subscriber;
        subscriber.onSubscribe(this);
        Lease lease = exchange.lease();
        if (lease == null || !lease.isPending()) {
            leased();
            return;
        }
        timer = ConnectionGate.endAfter(lease, 0);
        if (!lease.whenSettled(() -> onEventLoop(this::leased))) {
            leased();
        }
    }

    private void leased() {
        Lease lease = exchange.lease();
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        if (cancelled) {
            exchange.end();
            return;
        }
        if (ownLease && lease != null && !lease.isHeld()) {
            subscriber()
                    .onError(
                            lease.outcome() == Wait.Outcome.TIMEOUT
                                    ? WaitTimeouts.after(
                                            Duration.ofNanos(ConnectionGate.maxWaitNanos(0)), lease.refusal())
                                    : new PoolAcquireTimeoutException(Duration.ZERO));
            return;
        }
        connection = ConnectionGate.openLater(lease, false, () -> onEventLoop(this::roomGranted));
        asked = true;
        Connection opening = connection;
        if (opening == null || !opening.isPending()) {
            connect();
        }
    }

    /** May come by before {@code openLater} has returned; then {@link #leased} goes on. */
    private void roomGranted() {
        if (asked) {
            connect();
        }
    }

    private void onEventLoop(Runnable task) {
        try {
            eventLoop().execute(task);
        } catch (Throwable shutDown) {
            fail(shutDown);
        }
    }

    private EventLoop eventLoop() {
        for (Object argument : arguments) {
            if (argument instanceof EventLoop) {
                return (EventLoop) argument;
            }
        }
        TransportConfig config = (TransportConfig) arguments[0];
        return config.loopResources().onClient(config.isPreferNative()).next();
    }

    /** There is room. Two threads may come by when it settles while it is asked for. */
    private void connect() {
        if (!begun.compareAndSet(false, true)) {
            return;
        }
        if (cancelled) {
            giveBack();
            return;
        }
        ALL.put(arguments[3], this);
        Mono<Channel> source;
        PASSING.set(Boolean.TRUE);
        try {
            source = connector();
        } catch (Throwable failure) {
            fail(failure);
            return;
        } finally {
            PASSING.remove();
        }
        source.subscribe(this);
    }

    /** Calls the overload that was called. */
    @SuppressWarnings("unchecked")
    private Mono<Channel> connector() {
        TransportConfig config = (TransportConfig) arguments[0];
        SocketAddress remote = (SocketAddress) arguments[1];
        AddressResolverGroup<?> resolver = (AddressResolverGroup<?>) arguments[2];
        ChannelInitializer<Channel> initializer = (ChannelInitializer<Channel>) arguments[3];
        if (arguments.length == 4) {
            return TransportConnector.connect(config, remote, resolver, initializer);
        }
        if (arguments.length == 6) {
            return TransportConnector.connect(
                    config, remote, resolver, initializer, (EventLoop) arguments[4], (ContextView) arguments[5]);
        }
        return arguments[4] instanceof EventLoop
                ? TransportConnector.connect(config, remote, resolver, initializer, (EventLoop) arguments[4])
                : TransportConnector.connect(config, remote, resolver, initializer, (ContextView) arguments[4]);
    }

    /** A channel was made for the next attempt; the one before, if any, has failed. */
    void made(Channel attempt) {
        channel = attempt;
    }

    private void fail(Throwable failure) {
        giveBack();
        subscriber().onError(failure);
    }

    /** It came to nothing: the room goes back when the socket of the last attempt is gone. */
    private void giveBack() {
        terminated = true;
        ALL.remove(arguments[3]);
        Connection counted = connection;
        Channel last = channel;
        if (counted != null) {
            if (last == null || (last.isOpen() && !last.isActive() && !cancelled)) {
                counted.closed(); // nothing was, or ever will be, connected
            } else {
                ChannelState.whenClosed(last, counted);
            }
        }
        if (inStore) {
            exchange.end();
        }
    }

    private CoreSubscriber<? super Channel> subscriber() {
        CoreSubscriber<? super Channel> known = actual;
        if (known == null) {
            throw new IllegalStateException("nobody has subscribed");
        }
        return known;
    }

    // ---- What the client subscribes to ----------------------------------------------------------------------------

    @Override
    public void request(long n) {
        // One channel, when it is connected.
    }

    @Override
    public void cancel() {
        cancelled = true;
        Subscription running = upstream;
        if (running != null) {
            running.cancel();
            if (!terminated) {
                giveBack();
            }
        } else if (ownLease) {
            exchange.abandon();
        }
    }

    // ---- What subscribes to the client's own publisher -------------------------------------------------------------

    @Override
    public Context currentContext() {
        return subscriber().currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        upstream = subscription;
        if (cancelled) { // before there was anything to cancel
            cancel();
            return;
        }
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Channel connected) {
        if (cancelled) {
            subscriber().onNext(connected);
            return;
        }
        terminated = true;
        ALL.remove(arguments[3]);
        Connection counted = connection;
        ChannelState state = counted == null ? null : ChannelState.opened(connected, counted);
        if (state == null && inStore) {
            exchange.end();
        }
        subscriber().onNext(connected);
        // A pool that finds nobody waiting for it any more keeps it.
        if (state != null && (inStore || exchange.isOver()) && !state.isUsed()) {
            state.endWith(exchange);
        }
    }

    @Override
    public void onError(Throwable failure) {
        fail(failure);
    }

    @Override
    public void onComplete() {
        subscriber().onComplete();
    }
}
