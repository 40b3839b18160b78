package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import net.bytebuddy.asm.Advice;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.nio.AsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.client5.http.nio.ManagedAsyncClientConnection;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.reactor.ConnectionInitiator;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Hooks on the asynchronous connection manager, the same members from 5.0 on, and on HttpCore's reactor, which opens the
 * sockets. The pools themselves are left alone.
 */
public final class ApacheHttpClient5AsyncInstrumentation implements ClientInstrumentation {
    private static final String PACKAGE = "io.sluice.instrumentation.apachehttpclient5async.";
    private static final String HERE = PACKAGE + "ApacheHttpClient5AsyncInstrumentation$";
    private static final String REACTOR = PACKAGE + "ReactorAdvice$";
    private static final String SESSION = PACKAGE + "SessionAdvice$";
    private static final String POOLING = "org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager";
    private static final String ENDPOINT = POOLING + "$InternalConnectionEndpoint";
    private static final String CORE = "org.apache.hc.core5.";
    private static final String RUNTIME = "org.apache.hc.client5.http.impl.async.InternalH2AsyncExecRuntime";
    private static final String SESSIONS = CORE + "reactor.AbstractIOSessionPool";

    @Override
    public String client() {
        return "apache-httpclient-5-async";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                PACKAGE + "Handle",
                PACKAGE + "PooledHandle",
                PACKAGE + "HandleOwner",
                PACKAGE + "Routes",
                PACKAGE + "ManagerState",
                PACKAGE + "LeaseCall",
                PACKAGE + "Gated",
                PACKAGE + "GatedLease",
                PACKAGE + "Opener",
                PACKAGE + "ConnectCall",
                PACKAGE + "GatedConnect",
                PACKAGE + "AsyncExchange",
                PACKAGE + "Exchanges",
                PACKAGE + "AsyncHooks",
                PACKAGE + "SessionHandle",
                PACKAGE + "SessionExchange",
                PACKAGE + "GatedSession",
                PACKAGE + "SessionOpener",
                PACKAGE + "CountedHandler",
                PACKAGE + "SessionHooks$Asking",
                PACKAGE + "SessionHooks$1",
                PACKAGE + "SessionHooks",
                PACKAGE + "ReactorHooks$Attempt",
                PACKAGE + "ReactorHooks");
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                Hook.on(POOLING).method("lease").parameters(5).advice(HERE + "LeaseAdvice"),
                Hook.on(ENDPOINT).method(Hook.CONSTRUCTOR).advice(HERE + "EndpointAdvice"),
                Hook.on(POOLING).method("connect").parameters(6).advice(HERE + "ConnectAdvice"),
                Hook.on(POOLING).method("release").parameters(3).advice(HERE + "ReleaseAdvice"),
                // close() delegates to close(CloseMode).
                Hook.on(POOLING).method("close").parameters(1).advice(HERE + "CloseAdvice"),
                // Only in 5.5 and later.
                Hook.on("org.apache.hc.client5.http.impl.nio.H2SharingConnPool")
                        .method(Hook.CONSTRUCTOR)
                        .advice(HERE + "SharingAdvice"),
                Hook.on(CORE + "reactor.IOSessionRequest")
                        .method(Hook.CONSTRUCTOR)
                        .advice(REACTOR + "RequestedAdvice"),
                Hook.on(CORE + "reactor.IOSessionRequest")
                        .method("failed")
                        .parameters(1)
                        .advice(REACTOR + "FailedAdvice"),
                Hook.on(CORE + "reactor.SingleCoreIOReactor")
                        .method("processConnectionRequest")
                        .parameters(2)
                        .advice(REACTOR + "ChannelAdvice"),
                Hook.on(CORE + "http.impl.nio.ClientHttp1StreamDuplexer")
                        .method(Hook.CONSTRUCTOR)
                        .advice(REACTOR + "SpeaksAdvice"),
                Hook.on(CORE + "http.impl.nio.ClientHttp1StreamHandler")
                        .method("consumeHeader")
                        .parameters(2)
                        .advice(REACTOR + "AnsweredAdvice"),
                Hook.on(RUNTIME).method("acquireEndpoint").parameters(5).advice(SESSION + "AcquireAdvice"),
                Hook.on(RUNTIME).method("releaseEndpoint").parameters(0).advice(SESSION + "ReleaseAdvice"),
                Hook.on(RUNTIME).method("discardEndpoint").parameters(0).advice(SESSION + "ReleaseAdvice"),
                Hook.on(RUNTIME).method("validateConnection").parameters(0).advice(SESSION + "ReleaseAdvice"),
                Hook.on("org.apache.hc.client5.http.impl.async.MinimalH2AsyncClient")
                        .method("execute")
                        .parameters(3)
                        .advice(SESSION + "ExecuteAdvice"),
                Hook.on(SESSIONS).method("getSession").parameters(3).advice(SESSION + "GetAdvice"),
                Hook.on(SESSIONS).method("close").parameters(1).advice(SESSION + "CloseAdvice"),
                // The client's own since 5.2, HttpCore's before.
                Hook.on("org.apache.hc.client5.http.impl.async.InternalH2ConnPool$SessionPool")
                        .method("connectSession")
                        .parameters(3)
                        .advice(SESSION + "ConnectAdvice"),
                Hook.on(CORE + "http2.nio.pool.H2ConnPool")
                        .method("connectSession")
                        .parameters(3)
                        .advice(SESSION + "ConnectAdvice"));
    }

    /** An exchange asks for an endpoint. */
    public static final class LeaseAdvice {
        private LeaseAdvice() {}

        /** Takes the place in the queue; does not wait, but hands out a future of ours where it would have to. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Future<AsyncConnectionEndpoint> enter(
                @Advice.This AsyncClientConnectionManager manager,
                @Advice.FieldValue("pool") ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> pool,
                @Advice.FieldValue("closed") AtomicBoolean closed,
                @Advice.Argument(0) String id,
                @Advice.Argument(1) HttpRoute route,
                @Advice.Argument(2) Object state,
                @Advice.Argument(3) Timeout timeout,
                @Advice.Argument(value = 4, readOnly = false) FutureCallback<AsyncConnectionEndpoint> callback,
                @Advice.Local("lease") Gated<AsyncConnectionEndpoint> lease) {
            lease = AsyncHooks.leasing(manager, pool, closed, id, route, state, timeout, callback);
            if (lease != null && lease.standsIn()) {
                return lease;
            }
            callback = lease == null ? callback : lease;
            return null;
        }

        /** Hands our future out. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Future<AsyncConnectionEndpoint> ours,
                @Advice.Local("lease") Gated<AsyncConnectionEndpoint> lease,
                @Advice.Thrown @Nullable Throwable thrown,
                @Advice.Return(readOnly = false) Future<AsyncConnectionEndpoint> returned) {
            if (ours != null) {
                returned = ours;
            } else if (lease != null && thrown != null) {
                lease.thrown();
            }
        }
    }

    /** The pool has given an entry, which may have a connection already. */
    public static final class EndpointAdvice {
        private EndpointAdvice() {}

        /** Remembers the entry. By the field, as the constructor had one more parameter up to 5.1. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This AsyncConnectionEndpoint endpoint,
                @Advice.FieldValue("poolEntryRef")
                        AtomicReference<PoolEntry<HttpRoute, ManagedAsyncClientConnection>> entry) {
            AsyncHooks.made(endpoint, entry.get());
        }
    }

    /** A connection is opened, if the endpoint has none. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Takes room; does not wait, but hands out a future of ours where it would have to. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Future<AsyncConnectionEndpoint> enter(
                @Advice.This AsyncClientConnectionManager manager,
                @Advice.Argument(0) AsyncConnectionEndpoint endpoint,
                @Advice.Argument(1) ConnectionInitiator initiator,
                @Advice.Argument(2) Timeout timeout,
                @Advice.Argument(3) Object attachment,
                @Advice.Argument(4) HttpContext context,
                @Advice.Argument(value = 5, readOnly = false) FutureCallback<AsyncConnectionEndpoint> callback,
                @Advice.Local("connect") GatedConnect<AsyncConnectionEndpoint> connect) {
            connect = AsyncHooks.connecting(manager, endpoint, initiator, timeout, attachment, context, callback);
            if (connect == null) {
                return null;
            }
            if (connect.standsIn()) {
                return connect;
            }
            callback = connect;
            connect.begin();
            return null;
        }

        /** Hands our future out, or ends the connecting on this thread. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Future<AsyncConnectionEndpoint> ours,
                @Advice.Local("connect") GatedConnect<AsyncConnectionEndpoint> connect,
                @Advice.Thrown @Nullable Throwable thrown,
                @Advice.Return(readOnly = false) Future<AsyncConnectionEndpoint> returned) {
            if (ours != null) {
                returned = ours;
            } else if (connect != null) {
                connect.end(thrown);
            }
        }
    }

    /** The endpoint goes back: the exchange is over. */
    public static final class ReleaseAdvice {
        private ReleaseAdvice() {}

        /** From the first moment in the pool on, another thread may take the connection: remember whose it is now. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable AsyncExchange enter(@Advice.Argument(0) AsyncConnectionEndpoint endpoint) {
            return AsyncHooks.releasing(endpoint);
        }

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable AsyncExchange exchange) {
            if (exchange != null) {
                AsyncHooks.released(exchange);
            }
        }
    }

    /** The manager is closed. */
    public static final class CloseAdvice {
        private CloseAdvice() {}

        /** Whoever waits on its behalf is cancelled, as the pools do with theirs. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This AsyncClientConnectionManager manager) {
            AsyncHooks.closed(manager);
        }
    }

    /** A pool is made that shares the HTTP/2 connections of another one. */
    public static final class SharingAdvice {
        private SharingAdvice() {}

        /** Remembers the other one, which alone leases every connection to one user only. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object outer,
                @Advice.Argument(0) ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> inner) {
            AsyncHooks.sharing(outer, inner);
        }
    }
}
