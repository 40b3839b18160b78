package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import net.bytebuddy.asm.Advice;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.Connection;
import reactor.netty.ConnectionObserver;
import reactor.netty.internal.shaded.reactor.pool.InstrumentedPool;
import reactor.netty.internal.shaded.reactor.pool.PooledRef;

/** Hooks on the HTTP client, the pools under it, and the place where channels are connected; the same from 1.0.0 on. */
public final class ReactorNettyInstrumentation implements ClientInstrumentation {
    private static final String PACKAGE = "io.sluice.instrumentation.reactornetty.";
    private static final String HERE = PACKAGE + "ReactorNettyInstrumentation$";
    private static final String RESOURCES = "reactor.netty.resources.";
    private static final String POOLED = RESOURCES + "DefaultPooledConnectionProvider$";
    private static final String HTTP = "reactor.netty.http.client.";
    private static final String CONNECTOR = "reactor.netty.transport.TransportConnector";

    @Override
    public String client() {
        return "reactor-netty";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                PACKAGE + "WaitTimeouts",
                PACKAGE + "NothingIdleException",
                PACKAGE + "Providers",
                PACKAGE + "Routes",
                PACKAGE + "Acquisition",
                PACKAGE + "Exchange",
                PACKAGE + "Http2Streams",
                PACKAGE + "Http2Use",
                PACKAGE + "Http2Slots",
                PACKAGE + "GatedMono",
                PACKAGE + "ChannelState",
                PACKAGE + "ChannelOwner",
                PACKAGE + "Claim",
                PACKAGE + "Opening",
                PACKAGE + "ReactorNettyHooks");
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                Hook.on(HTTP + "HttpConnectionProvider")
                        .method("acquire")
                        .parameters(4)
                        .advice(HERE + "AcquireAdvice"),
                Hook.on(RESOURCES + "PooledConnectionProvider")
                        .method("acquire")
                        .parameters(4)
                        .advice(HERE + "ProviderAdvice"),
                Hook.on(RESOURCES + "PooledConnectionProvider")
                        .method("disposeLater")
                        .parameters(0)
                        .advice(HERE + "DisposeAdvice"),
                Hook.on(HTTP + "HttpClientConnect$MonoHttpConnect$ClientTransportSubscriber")
                        .method("onSubscribe")
                        .parameters(1)
                        .advice(HERE + "SubscribedAdvice"),
                Hook.on(POOLED + "PooledConnectionAllocator$PooledConnectionInitializer")
                        .method(Hook.CONSTRUCTOR)
                        .advice(HERE + "AllocatingAdvice"),
                Hook.on(POOLED + "PooledConnection").method(Hook.CONSTRUCTOR).advice(HERE + "AllocatedAdvice"),
                Hook.on(POOLED + "DisposableAcquire")
                        .method("run")
                        .parameters(0)
                        .advice(HERE + "TakenAdvice"),
                Hook.on(POOLED + "PooledConnection")
                        .method("onStateChange")
                        .parameters(2)
                        .advice(HERE + "GivenBackAdvice"),
                Hook.on(HTTP + "Http2Pool$Slot").method(Hook.CONSTRUCTOR).advice(HERE + "Http2SlotAdvice"),
                Hook.on(HTTP + "Http2ConnectionProvider$DisposableAcquire")
                        .method("onNext")
                        .descriptor("(Lreactor/netty/internal/shaded/reactor/pool/PooledRef;)")
                        .advice(HERE + "SharedAdvice"),
                Hook.on(HTTP + "Http2ConnectionProvider$DisposableAcquire")
                        .method("onStateChange")
                        .parameters(2)
                        .advice(HERE + "UpgradedAdvice"),
                // The overloads delegate to each other; the outermost one counts.
                Hook.on(CONNECTOR).method("connect").advice(HERE + "ConnectAdvice"),
                Hook.on(CONNECTOR).method("doInitAndRegister").advice(HERE + "ChannelAdvice"),
                Hook.on(HTTP + "HttpClientOperations")
                        .method("onInboundNext")
                        .parameters(2)
                        .advice(HERE + "AnsweredAdvice"));
    }

    /** An exchange is about to obtain a connection: what it subscribes to waits for its lease first. */
    public static final class AcquireAdvice {
        private AcquireAdvice() {}

        /** Has the address of the server supplied once only. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.Argument(0) @Nullable Object config,
                @Advice.Argument(value = 2, readOnly = false) @Nullable Supplier<?> remote) {
            Supplier<?> once = ReactorNettyHooks.acquiring(config, remote);
            if (once != null) {
                remote = once;
            }
            return once;
        }

        /** Puts the wait before the client's own looking for a connection. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object acquisition,
                @Advice.Return(readOnly = false) @Nullable Mono<?> returned) {
            if (acquisition != null) {
                returned = ReactorNettyHooks.acquired(acquisition, returned);
            }
        }
    }

    /** The pool's provider is found. */
    public static final class ProviderAdvice {
        private ProviderAdvice() {}

        /** Tells the exchange whose limits hold for it. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.This Object provider) {
            ReactorNettyHooks.providedBy(provider);
        }
    }

    /** A provider closes its pools. */
    public static final class DisposeAdvice {
        private DisposeAdvice() {}

        /** Who waits on its behalf goes on, as who waits in its pools does. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object provider, @Advice.Return(readOnly = false) @Nullable Mono<Void> returned) {
            returned = ReactorNettyHooks.disposing(provider, returned);
        }
    }

    /** The client has subscribed to what an exchange waits for, and would not cancel it. */
    public static final class SubscribedAdvice {
        private SubscribedAdvice() {}

        /** Has the exchange leave the queue when the program gives up. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.FieldValue("sink") @Nullable MonoSink<?> sink,
                @Advice.Argument(0) @Nullable Subscription subscription) {
            ReactorNettyHooks.subscribed(sink, subscription);
        }
    }

    /** The pool is about to connect, on behalf of whoever asked it. */
    public static final class AllocatingAdvice {
        private AllocatingAdvice() {}

        /** Remembers for whom. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object initializer, @Advice.FieldValue("sink") @Nullable MonoSink<?> sink) {
            ReactorNettyHooks.allocating(initializer, sink);
        }
    }

    /** A channel belongs to a pool. */
    public static final class AllocatedAdvice {
        private AllocatedAdvice() {}

        /** Remembers to which. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object pooled,
                @Advice.FieldValue("channel") @Nullable Channel channel,
                @Advice.FieldValue("pool") @Nullable InstrumentedPool<?> pool) {
            ReactorNettyHooks.allocated(pooled, channel, pool);
        }
    }

    /** An exchange has its pooled connection; on the connection's event loop. */
    public static final class TakenAdvice {
        private TakenAdvice() {}

        /** The connection is in use from here on. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.This CoreSubscriber<?> acquire, @Advice.FieldValue("pooledRef") @Nullable PooledRef<?> ref) {
            ReactorNettyHooks.taken(acquire, ref);
        }
    }

    /** An exchange is over, and its connection goes back to the pool if it can be used again. */
    public static final class GivenBackAdvice {
        private GivenBackAdvice() {}

        /** The exchange, as the pool may give the connection to another before the method ends. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This Connection pooled, @Advice.Argument(1) ConnectionObserver.@Nullable State state) {
            return ReactorNettyHooks.givingBack(pooled, state);
        }

        /** The connection is idle or closed; the lease ends. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Connection pooled, @Advice.Enter @Nullable Object exchange) {
            if (exchange != null) {
                ReactorNettyHooks.givenBack(pooled, exchange);
            }
        }
    }

    /** A connection is for many streams, and the pool keeps it for them. */
    public static final class Http2SlotAdvice {
        private Http2SlotAdvice() {}

        /** Remembers in which pool. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object slot,
                @Advice.FieldValue("connection") @Nullable Object pooled,
                @Advice.FieldValue("pool") @Nullable Object pool) {
            ReactorNettyHooks.pooledForHttp2(slot, pooled, pool);
        }
    }

    /** An exchange has a connection on which it will open a stream. */
    public static final class SharedAdvice {
        private SharedAdvice() {}

        /** Remembers from which pool. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.FieldValue("pool") @Nullable InstrumentedPool<?> pool,
                @Advice.Argument(0) @Nullable PooledRef<?> ref) {
            ReactorNettyHooks.shared(ref, pool);
        }
    }

    /** Something has become of a connection that may be for many streams. */
    public static final class UpgradedAdvice {
        private UpgradedAdvice() {}

        /** From an upgrade on, its first request is a stream. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.This CoreSubscriber<?> acquire,
                @Advice.Argument(0) @Nullable Connection connection,
                @Advice.Argument(1) ConnectionObserver.@Nullable State state) {
            ReactorNettyHooks.upgraded(acquire, connection, state);
        }
    }

    /** A channel is to be made and connected: there must be room first. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Never waits: the client subscribes to the result. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Mono<Channel> enter(@Advice.AllArguments @Nullable Object[] arguments) {
            return ReactorNettyHooks.connecting(arguments);
        }

        /** Hands our result out. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Mono<Channel> ours,
                @Advice.Return(readOnly = false) @Nullable Mono<Channel> returned) {
            if (ours != null) {
                returned = ours;
            }
        }
    }

    /** A channel was made, for one attempt to connect. */
    public static final class ChannelAdvice {
        private ChannelAdvice() {}

        /** Tells the opening, which must know when it is closed. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Argument(1) @Nullable Object initializer, @Advice.Return @Nullable Object made) {
            ReactorNettyHooks.made(initializer, made);
        }
    }

    /** A response, or a part of one, was read. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** The version of a response is that of its status line. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.Argument(0) @Nullable ChannelHandlerContext context,
                @Advice.Argument(1) @Nullable Object message) {
            ReactorNettyHooks.answered(context, message);
        }
    }
}
