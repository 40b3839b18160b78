package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.net.SocketAddress;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.ConnectionObserver;
import reactor.netty.http.client.HttpClientConfig;
import reactor.netty.http.client.HttpClientState;
import reactor.netty.internal.shaded.reactor.pool.InstrumentedPool;
import reactor.netty.internal.shaded.reactor.pool.PooledRef;
import reactor.util.context.Context;

/** What the advice calls. Stateless but for what is on its way from one hook to the next; no method blocks. */
public final class ReactorNettyHooks {
    /** For whom a pool connects, by the initializer of the channel: an {@link Exchange}, or a {@link Claim}'s context. */
    private static final WeakMap<Object, Context> ALLOCATIONS = new WeakMap<>();

    private static final String POOLED_INITIALIZER = "PooledConnectionInitializer";

    private ReactorNettyHooks() {}

    /** Enter advice of {@code HttpConnectionProvider.acquire}; returns the supplier of the address that is to be used. */
    @SuppressWarnings("unchecked")
    public static @Nullable Supplier<?> acquiring(@Nullable Object config, @Nullable Supplier<?> remote) {
        if (remote == null || !(config instanceof HttpClientConfig)) {
            return null;
        }
        Acquisition acquisition =
                new Acquisition((HttpClientConfig) config, (Supplier<? extends SocketAddress>) remote);
        acquisition.begin();
        return acquisition;
    }

    /** Enter advice of {@code PooledConnectionProvider.acquire}. */
    public static void providedBy(Object provider) {
        Acquisition current = Acquisition.current();
        if (current != null) {
            current.providedBy(provider);
        }
    }

    /** Exit advice of {@code HttpConnectionProvider.acquire}; returns what it is to return. */
    @SuppressWarnings("unchecked")
    public static @Nullable Mono<?> acquired(Object entered, @Nullable Mono<?> returned) {
        Acquisition acquisition = (Acquisition) entered;
        acquisition.end();
        return returned == null
                ? null
                : new GatedMono(acquisition, (Mono<? extends reactor.netty.Connection>) returned);
    }

    /** Exit advice of {@code PooledConnectionProvider.disposeLater}; returns what it is to return. */
    public static @Nullable Mono<Void> disposing(Object provider, @Nullable Mono<Void> returned) {
        if (returned == null) {
            return null;
        }
        return Mono.defer(() -> {
            Providers.of(provider).dispose();
            return returned;
        });
    }

    /** Enter advice of {@code ClientTransportSubscriber.onSubscribe}. */
    public static void subscribed(@Nullable MonoSink<?> sink, @Nullable Subscription subscription) {
        if (sink != null && subscription instanceof Exchange) {
            sink.onDispose((Exchange) subscription);
        }
    }

    /** Exit advice of the constructor of the pool's channel initializer. */
    @SuppressWarnings("deprecation") // Reactor 3.4.0 has no other
    public static void allocating(Object initializer, @Nullable MonoSink<?> sink) {
        if (sink != null) {
            ALLOCATIONS.put(initializer, sink.currentContext());
        }
    }

    /** Exit advice of the constructor of {@code PooledConnection}. */
    public static void allocated(Object pooled, @Nullable Channel channel, @Nullable InstrumentedPool<?> pool) {
        if (channel != null && pool != null) {
            ChannelState.pooled(channel, pooled, pool);
        }
    }

    /** Enter advice of {@code DisposableAcquire.run}, on the channel's event loop. */
    public static void taken(CoreSubscriber<?> acquire, @Nullable PooledRef<?> ref) {
        Object pooled = ref == null ? null : ref.poolable();
        Channel channel =
                pooled instanceof reactor.netty.Connection ? ((reactor.netty.Connection) pooled).channel() : null;
        ChannelState state = ChannelState.of(channel);
        if (channel == null || state == null || !channel.isActive()) {
            return; // the client will take another one
        }
        Exchange exchange = Exchange.in(acquire.currentContext());
        if (exchange != null) {
            state.begin(exchange);
        }
    }

    /** Enter advice of {@code PooledConnection.onStateChange}. */
    public static @Nullable Object givingBack(
            reactor.netty.Connection pooled, ConnectionObserver.@Nullable State newState) {
        ChannelState state =
                newState == ConnectionObserver.State.DISCONNECTING ? ChannelState.of(pooled.channel()) : null;
        return state == null ? null : state.leave();
    }

    /** Exit advice of {@code PooledConnection.onStateChange} that gave a connection back. */
    public static void givenBack(reactor.netty.Connection pooled, Object exchange) {
        ChannelState state = ChannelState.of(pooled.channel());
        if (state != null) {
            state.endWith((Exchange) exchange);
        }
    }

    /**
     * Enter advice of {@code TransportConnector.connect}.
     *
     * @return what it is to return instead of running; null: it runs
     */
    public static @Nullable Mono<Channel> connecting(@Nullable Object[] arguments) {
        Object initializer = arguments[3];
        if (Opening.isPassing() || initializer == null || !Routes.isHttp(arguments[0])) {
            return null;
        }
        boolean pooled = initializer.getClass().getName().endsWith(POOLED_INITIALIZER);
        Context context = pooled ? ALLOCATIONS.remove(initializer) : null;
        if (context != null && Claim.isIn(context)) {
            return Mono.error(new NothingIdleException());
        }
        Exchange exchange = !pooled ? Exchange.subscribing() : context == null ? null : Exchange.in(context);
        if (exchange != null && exchange.refusesToConnect()) {
            return Mono.error(new NothingIdleException());
        }
        if (exchange != null && exchange.holdsLease()) {
            return new Opening(arguments, exchange);
        }
        Ask ask = Routes.ask((HttpClientConfig) arguments[0], (SocketAddress) arguments[1]);
        Lease lease = ask == null ? null : ConnectionGate.ask(ask);
        return lease == null ? null : new Opening(arguments, exchange, lease);
    }

    /** Exit advice of {@code TransportConnector.doInitAndRegister}. */
    public static void made(@Nullable Object initializer, @Nullable Object registration) {
        Opening opening = Opening.of(initializer);
        if (opening != null && registration instanceof ChannelPromise) {
            opening.made(((ChannelPromise) registration).channel());
        }
    }

    /** Exit advice of the constructor of {@code Http2Pool.Slot}. */
    public static void pooledForHttp2(Object slot, @Nullable Object pooled, @Nullable Object pool) {
        if (pooled instanceof reactor.netty.Connection && pool != null) {
            ChannelState.pooledForHttp2(((reactor.netty.Connection) pooled).channel(), slot, pool);
        }
    }

    /** Enter advice of {@code onNext} of the client's subscriber to an HTTP/2 connection. */
    public static void shared(@Nullable PooledRef<?> ref, @Nullable InstrumentedPool<?> pool) {
        Object entry = ref == null ? null : ref.poolable();
        // Later pools are no pools of the common kind, but know how to take one out: see Http2Slots.
        if (entry instanceof reactor.netty.Connection && pool != null && isCommon(pool)) {
            ChannelState.shared(((reactor.netty.Connection) entry).channel(), entry, pool);
        }
    }

    private static boolean isCommon(InstrumentedPool<?> pool) {
        return pool.getClass().getName().contains(".shaded.")
                && !pool.getClass().getSimpleName().contains("Graceful");
    }

    /** Enter advice of {@code onStateChange} of the client's subscriber to an HTTP/2 connection. */
    public static void upgraded(
            CoreSubscriber<?> acquire,
            reactor.netty.@Nullable Connection connection,
            ConnectionObserver.@Nullable State newState) {
        if (newState != HttpClientState.UPGRADE_SUCCESSFUL || connection == null) {
            return;
        }
        ChannelState state = ChannelState.of(connection.channel());
        Exchange exchange = Exchange.in(acquire.currentContext());
        if (state != null && exchange != null) {
            state.upgraded(exchange);
        }
    }

    /** Enter advice of {@code HttpClientOperations.onInboundNext}. */
    public static void answered(@Nullable ChannelHandlerContext context, @Nullable Object message) {
        if (context == null || !(message instanceof HttpResponse)) {
            return;
        }
        ChannelState state = ChannelState.of(context.channel());
        Connection connection = state == null ? null : state.connection();
        if (connection != null) {
            HttpVersion version = ((HttpResponse) message).protocolVersion();
            connection.answered(version.majorVersion() == 1 && version.minorVersion() == 0);
        }
    }
}
