package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.Refusal;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.bytebuddy.asm.Advice;
import org.apache.http.HttpResponse;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.ClientConnectionRequest;
import org.apache.http.conn.ManagedClientConnection;
import org.apache.http.conn.OperatedClientConnection;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/**
 * Hooks on the four connection managers and what they give out; the same members from 4.0, or for the two that came with
 * 4.2 from then on, to 4.5.14. A class that a version does not have is never loaded, and so never missed.
 */
public final class ApacheHttpClient40Instrumentation implements ClientInstrumentation {
    private static final String HERE =
            "io.sluice.instrumentation.apachehttpclient40.ApacheHttpClient40Instrumentation$";
    private static final String HELPERS = "io.sluice.instrumentation.apachehttpclient40.";
    private static final String IMPL = "org.apache.http.impl.conn.";

    @Override
    public String client() {
        return "apache-httpclient-4.0";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                HELPERS + "Since42",
                HELPERS + "PoolLimits",
                HELPERS + "Entries",
                HELPERS + "Home",
                HELPERS + "Home$Homes",
                HELPERS + "Asked",
                HELPERS + "ManagedConnectionOwner",
                HELPERS + "ManagedConnection",
                HELPERS + "Opening",
                HELPERS + "Exchange",
                HELPERS + "Exchanges",
                HELPERS + "HttpClientHooks");
    }

    @Override
    public List<Hook> hooks() {
        List<Hook> hooks = new ArrayList<>();
        for (String manager : Arrays.asList(
                "tsccm.ThreadSafeClientConnManager",
                "SingleClientConnManager",
                "PoolingClientConnectionManager",
                "BasicClientConnectionManager")) {
            hooks.add(on(manager, "requestConnection", "RequestedAdvice"));
            // The manager's own ClientConnectionRequest, its first anonymous class in every version.
            hooks.add(on(manager + "$1", "getConnection", "TakenAdvice"));
            hooks.add(on(manager + "$1", "abortRequest", "AbortedAdvice"));
            hooks.add(on(manager, "releaseConnection", "ReleasedAdvice"));
            hooks.add(on(manager, "shutdown", "ShutDownAdvice"));
        }
        hooks.add(on("AbstractClientConnAdapter", Hook.CONSTRUCTOR, "LeasedAdvice"));
        hooks.add(on("AbstractClientConnAdapter", "abortConnection", "ConnectionAbortedAdvice"));
        hooks.add(on("AbstractPooledConnAdapter", "open", "OpenAdvice"));
        hooks.add(on("ManagedClientConnectionImpl", Hook.CONSTRUCTOR, "LeasedSince42Advice"));
        hooks.add(on("ManagedClientConnectionImpl", "open", "OpenAdvice"));
        hooks.add(on("DefaultClientConnection", "receiveResponseHeader", "AnsweredAdvice"));
        return hooks;
    }

    private static Hook on(String type, String method, String advice) {
        return Hook.on(IMPL + type).method(method).advice(HERE + advice);
    }

    /** An exchange is about to want a connection for a route. */
    public static final class RequestedAdvice {
        private RequestedAdvice() {}

        /** Remembers the route: the request itself does not show it. Asks nothing yet. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ClientConnectionManager manager,
                @Advice.Argument(0) HttpRoute route,
                @Advice.Return ClientConnectionRequest request) {
            HttpClientHooks.requested(manager, route, request);
        }
    }

    /** The exchange wants its connection now, pooled or new. */
    public static final class TakenAdvice {
        private TakenAdvice() {}

        /**
         * Parks until the lease is granted; the caller holds no lock of the client. What is left of the client's own time
         * is passed on to its pool: a look at a field, which cannot fail with the lease in hand.
         */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This ClientConnectionRequest request,
                @Advice.Argument(value = 0, readOnly = false) long timeout,
                @Advice.Argument(1) TimeUnit unit) {
            Object taking = HttpClientHooks.acquire(request, timeout, unit);
            timeout = HttpClientHooks.rest(taking, timeout, unit);
            return taking;
        }

        /** Ties the lease to the connection, or gives it back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object taking,
                @Advice.Return @Nullable ManagedClientConnection managed,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = HttpClientHooks.taken(taking, managed, thrown);
        }
    }

    /** The program aborts a request that has no connection yet. */
    public static final class AbortedAdvice {
        private AbortedAdvice() {}

        /** Ends its wait; after the client's own flag is set, so that its pool then throws the right exception. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This ClientConnectionRequest request) {
            HttpClientHooks.aborted(request);
        }
    }

    /** A manager made what it gives out for one exchange. */
    public static final class LeasedAdvice {
        private LeasedAdvice() {}

        /** Remembers which connection is behind it, and keeps that from being evicted. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ManagedClientConnection managed,
                @Advice.Argument(0) ClientConnectionManager manager,
                @Advice.Argument(1) OperatedClientConnection connection) {
            HttpClientHooks.leased(manager, connection, managed);
        }
    }

    /** The same in the managers of 4.2. */
    public static final class LeasedSince42Advice {
        private LeasedSince42Advice() {}

        /** Remembers which connection is behind it, and keeps that from being evicted. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ManagedClientConnection managed,
                @Advice.Argument(0) ClientConnectionManager manager,
                @Advice.Argument(2) PoolEntry<?, ?> entry) {
            HttpClientHooks.leased(manager, Since42.connection(entry), managed);
        }
    }

    /** A socket is opened, to the server or to the first proxy. */
    public static final class OpenAdvice {
        private OpenAdvice() {}

        /** Parks until there is room; the caller holds no lock of the client. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This ManagedClientConnection managed,
                @Advice.FieldValue("poolEntry") @Nullable Object entry,
                @Advice.Argument(0) HttpRoute route) {
            return HttpClientHooks.opening(managed, entry, route);
        }

        /** Counts the connection, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object opening, @Advice.Thrown @Nullable Throwable thrown) {
            HttpClientHooks.opened(opening, thrown);
        }
    }

    /** A connection was aborted, as a rule by another thread than the one that uses it. */
    public static final class ConnectionAbortedAdvice {
        private ConnectionAbortedAdvice() {}

        /** In 4.0 who aborts while a body is read keeps the connection from ever being released. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This ManagedClientConnection managed) {
            HttpClientHooks.connectionAborted(managed);
        }
    }

    /** The exchange is over: its connection is in the pool again, or closed. */
    public static final class ReleasedAdvice {
        private ReleasedAdvice() {}

        /** Whoever asks the manager of one connection from now on waits for this. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.Argument(0) ManagedClientConnection managed) {
            HttpClientHooks.releasing(managed);
        }

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Argument(0) ManagedClientConnection managed) {
            HttpClientHooks.released(managed);
        }
    }

    /** The manager was shut down and has closed its connections. */
    public static final class ShutDownAdvice {
        private ShutDownAdvice() {}

        /** Lets those go on who wait, and those go free whose responses nobody closed. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This ClientConnectionManager manager) {
            HttpClientHooks.shutDown(manager);
        }
    }

    /** The head of a response was read. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** Tells the version of its status line. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This OperatedClientConnection connection, @Advice.Return @Nullable HttpResponse response) {
            HttpClientHooks.answered(connection, response);
        }
    }
}
