package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import net.bytebuddy.asm.Advice;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.io.LeaseRequest;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Hooks on the two connection managers of the classic client; the same members from 5.0 on. The pools themselves are left
 * alone: the asynchronous client has the same ones.
 */
public final class ApacheHttpClient5Instrumentation implements ClientInstrumentation {
    private static final String HERE = "io.sluice.instrumentation.apachehttpclient5.ApacheHttpClient5Instrumentation$";
    private static final String PACKAGE = "io.sluice.instrumentation.apachehttpclient5.";
    private static final String POOLING = "org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager";
    private static final String BASIC = "org.apache.hc.client5.http.impl.io.BasicHttpClientConnectionManager";
    private static final String ENDPOINT = "$InternalConnectionEndpoint";

    @Override
    public String client() {
        return "apache-httpclient-5";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                PACKAGE + "Handle",
                PACKAGE + "PooledHandle",
                PACKAGE + "BasicHandle",
                PACKAGE + "HandleOwner",
                PACKAGE + "Routes",
                PACKAGE + "ManagerState",
                PACKAGE + "ClassicExchange",
                PACKAGE + "Exchanges",
                PACKAGE + "GatedLeaseRequest",
                PACKAGE + "ClassicHooks",
                PACKAGE + "ClassicHooks$Opening");
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                // The overload with three parameters delegates to this one.
                Hook.on(POOLING).method("lease").parameters(4).advice(HERE + "PooledLeaseAdvice"),
                Hook.on(BASIC).method("lease").parameters(4).advice(HERE + "BasicLeaseAdvice"),
                Hook.on(POOLING + ENDPOINT).method(Hook.CONSTRUCTOR).advice(HERE + "PooledEndpointAdvice"),
                Hook.on(BASIC + ENDPOINT).method(Hook.CONSTRUCTOR).advice(HERE + "BasicEndpointAdvice"),
                Hook.on(POOLING).method("connect").parameters(3).advice(HERE + "ConnectAdvice"),
                Hook.on(BASIC).method("connect").parameters(3).advice(HERE + "ConnectAdvice"),
                // From 5.4 on there are two, which do not call each other.
                Hook.on(POOLING + ENDPOINT).method("execute").parameters(4).advice(HERE + "ExecuteAdvice"),
                Hook.on(BASIC + ENDPOINT).method("execute").parameters(4).advice(HERE + "ExecuteAdvice"),
                Hook.on(POOLING).method("release").parameters(3).advice(HERE + "ReleaseAdvice"),
                Hook.on(BASIC).method("release").parameters(3).advice(HERE + "ReleaseAdvice"),
                // close() delegates to close(CloseMode).
                Hook.on(POOLING).method("close").parameters(1).advice(HERE + "CloseAdvice"),
                Hook.on(BASIC).method("close").parameters(1).advice(HERE + "CloseAdvice"));
    }

    /** An exchange asks for an endpoint: it gets a request of ours, which leases from the pool with the lease in hand. */
    public static final class PooledLeaseAdvice {
        private PooledLeaseAdvice() {}

        /** Takes the place in the queue; does not wait. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable LeaseRequest enter(
                @Advice.This HttpClientConnectionManager manager,
                @Advice.FieldValue("pool") ManagedConnPool<HttpRoute, ManagedHttpClientConnection> pool,
                @Advice.FieldValue("closed") AtomicBoolean closed,
                @Advice.Argument(0) String id,
                @Advice.Argument(1) HttpRoute route,
                @Advice.Argument(2) Timeout timeout,
                @Advice.Argument(3) Object state) {
            return ClassicHooks.lease(manager, pool, closed, id, route, timeout, state);
        }

        /** Hands our request out. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable LeaseRequest ours, @Advice.Return(readOnly = false) LeaseRequest returned) {
            if (ours != null) {
                returned = ours;
            }
        }
    }

    /** The same for the manager of a single connection. */
    public static final class BasicLeaseAdvice {
        private BasicLeaseAdvice() {}

        /** Takes the place in the queue; does not wait. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable LeaseRequest enter(
                @Advice.This HttpClientConnectionManager manager,
                @Advice.FieldValue("leased") boolean leased,
                @Advice.FieldValue("closed") AtomicBoolean closed,
                @Advice.Argument(0) String id,
                @Advice.Argument(1) HttpRoute route,
                @Advice.Argument(2) Timeout timeout,
                @Advice.Argument(3) Object state) {
            // A program that leases twice gets the manager's exception, and gets it at once.
            return leased ? null : ClassicHooks.lease(manager, null, closed, id, route, timeout, state);
        }

        /** Hands our request out. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable LeaseRequest ours, @Advice.Return(readOnly = false) LeaseRequest returned) {
            if (ours != null) {
                returned = ours;
            }
        }
    }

    /** The pool has given an entry, which may have a connection already. */
    public static final class PooledEndpointAdvice {
        private PooledEndpointAdvice() {}

        /** Ties the lease in hand to the endpoint. By the field, as the constructor had one more parameter up to 5.1. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ConnectionEndpoint endpoint,
                @Advice.FieldValue("poolEntryRef")
                        AtomicReference<PoolEntry<HttpRoute, ManagedHttpClientConnection>> entry) {
            ClassicHooks.acquiredPooled(endpoint, entry.get());
        }
    }

    /** The manager has given its connection, which may be open already. */
    public static final class BasicEndpointAdvice {
        private BasicEndpointAdvice() {}

        /** Ties the lease in hand to the endpoint. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ConnectionEndpoint endpoint,
                @Advice.FieldValue("connRef") AtomicReference<ManagedHttpClientConnection> connection) {
            ClassicHooks.acquiredBasic(endpoint, connection.get());
        }
    }

    /** A connection is opened, if the endpoint has none. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Parks until there is room; in 5.2 and 5.3 the basic manager, which has one user, is locked meanwhile. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) ConnectionEndpoint endpoint) {
            return ClassicHooks.connecting(endpoint);
        }

        /** Counts the connection, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object opening,
                @Advice.Argument(0) ConnectionEndpoint endpoint,
                @Advice.Thrown @Nullable Throwable thrown) {
            if (opening != null) {
                ClassicHooks.connected(opening, endpoint, thrown);
            }
        }
    }

    /** The head of a response was read. */
    public static final class ExecuteAdvice {
        private ExecuteAdvice() {}

        /** The version of a response is that of its status line. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ConnectionEndpoint endpoint,
                @Advice.Argument(1) ClassicHttpRequest request,
                @Advice.Return ClassicHttpResponse response) {
            ClassicHooks.answered(endpoint, request, response);
        }
    }

    /** The endpoint goes back: the exchange is over. */
    public static final class ReleaseAdvice {
        private ReleaseAdvice() {}

        /** From the first moment in the pool on, another thread may take the connection: remember whose it is now. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) ConnectionEndpoint endpoint) {
            return ClassicHooks.releasing(endpoint);
        }

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object exchange) {
            if (exchange != null) {
                ClassicHooks.released(exchange);
            }
        }
    }

    /** The manager is closed. */
    public static final class CloseAdvice {
        private CloseAdvice() {}

        /** Whoever waits on its behalf goes on, to the exception that the manager has for it. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This HttpClientConnectionManager manager) {
            ClassicHooks.closed(manager);
        }
    }
}
