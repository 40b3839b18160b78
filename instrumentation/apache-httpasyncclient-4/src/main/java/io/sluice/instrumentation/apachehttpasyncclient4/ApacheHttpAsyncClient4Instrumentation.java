package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.Refusal;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.net.SocketAddress;
import java.nio.channels.Selector;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import net.bytebuddy.asm.Advice;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.impl.nio.reactor.IOReactorConfig;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.pool.AbstractNIOConnPool;
import org.apache.http.nio.reactor.ConnectingIOReactor;
import org.apache.http.nio.reactor.SessionRequest;
import org.apache.http.nio.reactor.SessionRequestCallback;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/**
 * Hooks on the pool and the connecting reactor of HttpCore NIO, on which every connection manager of HttpAsyncClient is
 * built; the same members in HttpCore 4.3 to 4.4.16.
 */
public final class ApacheHttpAsyncClient4Instrumentation implements ClientInstrumentation {
    private static final String PACKAGE = "io.sluice.instrumentation.apachehttpasyncclient4.";
    private static final String HERE = PACKAGE + "ApacheHttpAsyncClient4Instrumentation$";
    private static final String EXCHANGE = "org.apache.http.impl.nio.client.";
    private static final String POOL = "org.apache.http.nio.pool.AbstractNIOConnPool";

    @Override
    public String client() {
        return "apache-httpasyncclient-4";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                PACKAGE + "KeptOwner",
                PACKAGE + "Kept",
                PACKAGE + "Routes",
                PACKAGE + "Routes$OfClient",
                PACKAGE + "PoolState",
                PACKAGE + "Ticket",
                PACKAGE + "CountedRequest",
                PACKAGE + "CountedRequest$Progress",
                PACKAGE + "LeasedRequest",
                PACKAGE + "LeasedRequest$Arguments",
                PACKAGE + "Connects",
                PACKAGE + "PoolHooks");
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                // The other overloads delegate to this one.
                Hook.on(POOL).method("lease").parameters(6).advice(HERE + "LeaseAdvice"),
                Hook.on(POOL)
                        .method("release")
                        .descriptor("(Lorg/apache/http/pool/PoolEntry;Z)V")
                        .advice(HERE + "ReleaseAdvice"),
                Hook.on(POOL).method("shutdown").descriptor("(J)V").advice(HERE + "ShutdownAdvice"),
                Hook.on("org.apache.http.nio.pool.RouteSpecificPool")
                        .method("createEntry")
                        .descriptor("(Lorg/apache/http/nio/reactor/SessionRequest;")
                        .advice(HERE + "EntryAdvice"),
                Hook.on("org.apache.http.impl.nio.reactor.DefaultConnectingIOReactor")
                        .method("connect")
                        .parameters(4)
                        .advice(HERE + "ConnectAdvice"),
                Hook.on("org.apache.http.nio.protocol.HttpAsyncRequestExecutor")
                        .method("responseReceived")
                        .parameters(1)
                        .advice(HERE + "AnswerAdvice"),
                // In 4.0 the first of these does everything by itself; later it inherits all of this from the second.
                Hook.on(EXCHANGE + "DefaultClientExchangeHandlerImpl")
                        .method("requestConnection")
                        .advice(HERE + "AskAdvice")
                        .optional(),
                Hook.on(EXCHANGE + "DefaultClientExchangeHandlerImpl")
                        .method("cancel")
                        .advice(HERE + "CancelAdvice")
                        .optional(),
                Hook.on(EXCHANGE + "AbstractClientExchangeHandler")
                        .method("requestConnection")
                        .advice(HERE + "AskAdvice")
                        .optional(),
                Hook.on(EXCHANGE + "AbstractClientExchangeHandler")
                        .method("cancel")
                        .advice(HERE + "CancelAdvice")
                        .optional(),
                Hook.on("org.apache.http.impl.nio.conn.CPoolEntry")
                        .method("markRouteComplete")
                        .advice(HERE + "RouteAdvice"));
    }

    /** An exchange asks a pool for a connection: the pool is asked again when the lease is there. */
    public static final class LeaseAdvice {
        private LeaseAdvice() {}

        /** Takes the place in the queue; does not wait. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This AbstractNIOConnPool<?, ?, ?> pool,
                @Advice.Argument(0) Object route,
                @Advice.Argument(1) Object state,
                @Advice.Argument(2) long connectTimeout,
                @Advice.Argument(3) long leaseTimeout,
                @Advice.Argument(4) TimeUnit timeUnit,
                @Advice.Argument(5) FutureCallback<?> callback) {
            return PoolHooks.lease(pool, route, state, connectTimeout, leaseTimeout, timeUnit, callback);
        }

        /** Hands our future out, or throws what the pool has thrown. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object outcome,
                @Advice.Return(readOnly = false) Future<?> returned,
                @Advice.Thrown(readOnly = false) Throwable thrown) {
            if (outcome instanceof Refusal) {
                thrown = ((Refusal) outcome).exception();
            } else if (outcome != null) {
                returned = (Future<?>) outcome;
            }
        }
    }

    /** An exchange of the client asks its connection manager, and that its pool. */
    public static final class AskAdvice {
        private AskAdvice() {}

        /** From here on, what a pool is asked on this thread is asked by this exchange. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter() {
            PoolHooks.exchangeAsks();
        }

        /** Remembers what it waits for. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object exchange) {
            PoolHooks.exchangeHasAsked(exchange);
        }
    }

    /** An exchange of the client is cancelled; up to 4.1.2 it does not tell its pool. */
    public static final class CancelAdvice {
        private CancelAdvice() {}

        /** It waits no longer. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object exchange) {
            PoolHooks.exchangeCancelled(exchange);
        }
    }

    /** An exchange gives its connection back: it is over. */
    public static final class ReleaseAdvice {
        private ReleaseAdvice() {}

        /** From the first moment in the pool on, another exchange may have the connection: remember whose it is now. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) PoolEntry<?, ?> entry) {
            return PoolHooks.releasing(entry);
        }

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object lease,
                @Advice.Argument(0) PoolEntry<?, ?> entry,
                @Advice.Argument(1) boolean reusable) {
            PoolHooks.released(lease, entry, reusable);
        }
    }

    /** A pool is shut down. */
    public static final class ShutdownAdvice {
        private ShutdownAdvice() {}

        /** Whoever waits on its behalf goes on, to the exception that the pool has for it. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This AbstractNIOConnPool<?, ?, ?> pool) {
            PoolHooks.shutDown(pool);
        }
    }

    /** A pool makes an entry for a connection that was opened. */
    public static final class EntryAdvice {
        private EntryAdvice() {}

        /** The pool's lock is held. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Argument(0) SessionRequest request,
                @Advice.Argument(1) Object connection,
                @Advice.Return PoolEntry<?, ?> entry) {
            Connects.entryMade(request, connection, entry);
        }
    }

    /** A connection is to be opened: the reactor hears of it when there is room. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Takes room, or asks for it; the pool's lock is held, so nothing is closed here and nobody waits. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable SessionRequest enter(
                @Advice.This ConnectingIOReactor reactor,
                @Advice.FieldValue("config") IOReactorConfig config,
                @Advice.FieldValue("selector") Selector selector,
                @Advice.FieldValue("requestQueue") Queue<?> queue,
                @Advice.Argument(0) SocketAddress remoteAddress,
                @Advice.Argument(1) SocketAddress localAddress,
                @Advice.Argument(2) Object attachment,
                @Advice.Argument(3) SessionRequestCallback callback) {
            return Connects.connect(
                    reactor, config, selector, queue, remoteAddress, localAddress, attachment, callback);
        }

        /** Hands our request out. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable SessionRequest ours, @Advice.Return(readOnly = false) SessionRequest returned) {
            if (ours != null) {
                returned = ours;
            }
        }
    }

    /** The head of a response was read. */
    public static final class AnswerAdvice {
        private AnswerAdvice() {}

        /** The version of a response is that of its status line. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.Argument(0) NHttpClientConnection connection) {
            Connects.answered(connection);
        }
    }

    /** A connection reaches the server, through a tunnel if there is one. */
    public static final class RouteAdvice {
        private RouteAdvice() {}

        /** From here on its answers are the server's. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This PoolEntry<?, ?> entry) {
            Connects.routeComplete(entry);
        }
    }
}
