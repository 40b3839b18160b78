package io.sluice.instrumentation.reactornetty;

import io.netty.channel.EventLoop;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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

    private static final int MAX_REFUSALS = 3;

    private volatile @Nullable Lease lease;
    private final @Nullable Acquisition acquisition;
    private final @Nullable Mono<? extends Connection> source;
    private final @Nullable CoreSubscriber<? super Connection> actual;

    private volatile boolean cancelled;
    private volatile boolean disposed;
    private volatile @Nullable Subscription upstream;
    private volatile @Nullable ScheduledFuture<?> timer;
    private volatile boolean connected;
    /** The connection for many streams on which it has a place, until it has its stream. */
    private volatile @Nullable Http2Use joined;
    /** Where its connection keeps the lease, it does not give it back itself. */
    private volatile boolean leaseIsTaken;

    private volatile @Nullable ChannelState begun;
    private final AtomicInteger refusals = new AtomicInteger();

    /** With a lease, granted or not, or with a place for a stream yet to be found by {@link Http2Streams#join}. */
    Exchange(
            @Nullable Lease lease,
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

    @Nullable
    Lease lease() {
        return lease;
    }

    /** The exchange went without, or with one that it has given back; it must connect, and gets one for that. */
    void adopt(Lease newLease) {
        lease = newLease;
    }

    // ---- HTTP/2 -----------------------------------------------------------------------------------------------------

    /** Goes as a stream of that connection, where a place is kept for it. */
    void joins(Http2Use use) {
        joined = use;
    }

    @Nullable
    Http2Use joined() {
        return joined;
    }

    /** Need wait no longer for its lease: a place for a stream is kept for it; false if its wait is over. */
    synchronized boolean sendAlong(Http2Use use) {
        Lease wanted = lease;
        if (wanted != null && wanted.abandon(Wait.Outcome.GRANTED)) {
            joined = use; // whoever goes on since the wait is over looks at it with the same lock
            return true;
        }
        return false;
    }

    private synchronized boolean hasPlace() {
        return joined != null;
    }

    /**
     * Whether it has a place on a connection: its pool, which takes a connection out of its queue for each stream, may not
     * have seen it. After some trials it may connect, then without its place.
     */
    boolean refusesToConnect() {
        Http2Use kept = joined;
        if (kept == null) {
            return false;
        }
        if (refusals.incrementAndGet() <= MAX_REFUSALS) {
            return true;
        }
        joined = null;
        kept.leave();
        return false;
    }

    /** Whether this had a lease to give away, which its connection gives back from now on. */
    boolean takeLease() {
        boolean had = holdsLease() && !leaseIsTaken;
        leaseIsTaken |= had;
        return had;
    }

    /** It has its stream: a lease that its connection has not taken is not needed. */
    void hasStream() {
        joined = null;
        begun = null;
        end();
    }

    private @Nullable Http2Streams streams() {
        return acquisition().streams();
    }

    // ---- Waiting ----------------------------------------------------------------------------------------------------

    void begin() {
        subscriber().onSubscribe(this);
        Lease wanted = lease;
        if (wanted == null || !wanted.isPending()) {
            proceed();
            return;
        }
        Object provider = acquisition().provider();
        if (provider != null) {
            Providers.of(provider).waits(this);
        }
        limitWait(wanted);
        if (!wanted.whenSettled(this)) {
            settled();
            return;
        }
        Http2Streams further = streams();
        if (further != null) {
            further.waits(this);
            if (!wanted.isPending()) {
                further.noLongerWaits(this);
            }
        }
    }

    private void limitWait(Lease wanted) {
        timer = ConnectionGate.endAfter(wanted, clientMaxNanos());
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
        Http2Streams further = streams();
        if (further != null) {
            further.noLongerWaits(this);
        }
        if (cancelled) {
            end();
            return;
        }
        try {
            eventLoop().execute(this::proceed);
        } catch (Throwable shutDown) {
            end();
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
        Http2Streams further = streams();
        if (cancelled) {
            end();
        } else if (hasPlace() || (further != null && holdsLease() && further.join(this))) {
            ConnectionGate.release(lease); // it can go as a further stream
            present(further).enter(this);
        } else if (holdsLease()) {
            subscribeToSource();
        } else {
            subscriber().onError(refusal(present(lease)));
        }
    }

    boolean holdsLease() {
        Lease known = lease;
        return known != null && known.isHeld();
    }

    /** It is this exchange's turn to obtain a further stream. */
    void enter() {
        Http2Use kept = joined;
        if (kept == null) {
            subscribeUnlessCancelled();
        } else {
            kept.execute(this::subscribeUnlessCancelled);
        }
    }

    private void subscribeUnlessCancelled() {
        if (cancelled) {
            entered();
            end();
        } else {
            subscribeToSource();
        }
    }

    private void entered() {
        Http2Streams further = source == null ? null : streams();
        if (further != null) {
            further.entered(this);
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

    private Throwable refusal(Lease refused) {
        Wait.Outcome outcome = refused.outcome();
        if (outcome == Wait.Outcome.QUEUE_FULL) {
            return new PoolAcquirePendingLimitException(0, refused.refusal());
        }
        return outcome == Wait.Outcome.TIMEOUT
                ? WaitTimeouts.after(Duration.ofNanos(ConnectionGate.maxWaitNanos(clientMaxNanos())), refused.refusal())
                : new PoolShutdownException();
    }

    private long clientMaxNanos() {
        long clientMillis = Providers.pendingAcquireTimeoutMillis(
                acquisition().provider(), acquisition().get());
        return TimeUnit.MILLISECONDS.toNanos(clientMillis);
    }

    /** The pools of its provider are closed: whoever waits in them is told so at once. */
    void providerDisposed() {
        disposed = true;
        abandon();
    }

    /** Leaves the queue, if it stands in one. */
    void abandon() {
        Lease wanted = lease;
        if (wanted != null) {
            wanted.abandon(Wait.Outcome.CANCELLED);
        }
    }

    /** Whether the program has given up on this exchange, or it has ended. */
    boolean isOver() {
        return cancelled || !holdsLease();
    }

    /** The exchange is over. Idempotent. */
    void end() {
        Http2Use kept = joined;
        joined = null;
        if (kept != null) {
            kept.leave();
        }
        if (!leaseIsTaken) {
            ConnectionGate.release(lease);
        }
    }

    /** It has this connection, whatever it will be used for. */
    void hasBegun(ChannelState state) {
        begun = state;
    }

    @Nullable
    Acquisition acquisitionOrNull() {
        return acquisition;
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
                entered(); // nothing will come of it, and others wait for their turn
                end();
            }
        } else {
            abandon();
        }
    }

    /** The program has given up, or has its response: the client itself would not cancel what it subscribed to. */
    @Override
    public void dispose() {
        if (upstream == null) {
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
        entered();
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
        Http2Use kept = joined;
        if (kept != null && failure instanceof NothingIdleException) {
            kept.execute(this::subscribeToSource);
            return;
        }
        entered();
        ChannelState state = begun;
        if (state != null) {
            state.failedWithoutStream(this);
        }
        end();
        subscriber().onError(failure);
    }

    @Override
    public void onComplete() {
        if (!connected) {
            entered();
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
