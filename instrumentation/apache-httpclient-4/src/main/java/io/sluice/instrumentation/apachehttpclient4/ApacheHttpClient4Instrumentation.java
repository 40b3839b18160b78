package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.Refusal;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.bytebuddy.asm.Advice;
import org.apache.http.HttpClientConnection;
import org.apache.http.HttpConnection;
import org.apache.http.HttpResponse;
import org.apache.http.conn.ConnectionRequest;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** Hooks on the two connection managers; the same members from 4.3 to 4.5.14. */
public final class ApacheHttpClient4Instrumentation implements ClientInstrumentation {
    private static final String HERE = "io.sluice.instrumentation.apachehttpclient4.ApacheHttpClient4Instrumentation$";
    private static final String HELPERS = "io.sluice.instrumentation.apachehttpclient4.";
    private static final String IMPL = "org.apache.http.impl.conn.";

    @Override
    public String client() {
        return "apache-httpclient-4";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                HELPERS + "Answers",
                HELPERS + "Home",
                HELPERS + "Home$Homes",
                HELPERS + "Asked",
                HELPERS + "ManagerOwner",
                HELPERS + "Opening",
                HELPERS + "Exchange",
                HELPERS + "HttpClientHooks");
    }

    @Override
    public List<Hook> hooks() {
        List<Hook> hooks = new ArrayList<>();
        for (String manager : Arrays.asList("PoolingHttpClientConnectionManager", "BasicHttpClientConnectionManager")) {
            hooks.add(on(manager, "requestConnection", "RequestedAdvice"));
            // The manager's own ConnectionRequest, its first anonymous class in every version.
            hooks.add(on(manager + "$1", "get", "TakenAdvice"));
            hooks.add(on(manager + "$1", "cancel", "CancelledAdvice"));
            hooks.add(on(manager, "connect", "ConnectAdvice"));
            hooks.add(on(manager, "routeComplete", "RouteCompleteAdvice"));
            hooks.add(on(manager, "releaseConnection", "ReleasedAdvice"));
            hooks.add(on(manager, "shutdown", "ShutDownAdvice"));
        }
        // The pooling one's close() calls shutdown(); the basic one's does so only up to 4.5.2.
        hooks.add(on("BasicHttpClientConnectionManager", "close", "ShutDownAdvice"));
        hooks.add(on("CPoolProxy", "newProxy", "LeasedAdvice").requireType());
        hooks.add(Hook.on("org.apache.http.impl.DefaultBHttpClientConnection")
                .method("receiveResponseHeader")
                .advice(HERE + "AnsweredAdvice"));
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
                @Advice.This HttpClientConnectionManager manager,
                @Advice.Argument(0) HttpRoute route,
                @Advice.Return ConnectionRequest request) {
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
                @Advice.This ConnectionRequest request,
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
                @Advice.Return @Nullable HttpClientConnection managed,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = HttpClientHooks.taken(taking, managed, thrown);
        }
    }

    /** The program aborts a request that has no connection yet. */
    public static final class CancelledAdvice {
        private CancelledAdvice() {}

        /** Ends its wait; after the client's own flag is set, so that its pool then throws the right exception. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This ConnectionRequest request) {
            HttpClientHooks.cancelled(request);
        }
    }

    /** The pool leased an entry: each lease of it has a proxy of its own. */
    public static final class LeasedAdvice {
        private LeasedAdvice() {}

        /** Remembers which connection is behind the proxy. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Argument(0) PoolEntry<?, ?> entry, @Advice.Return HttpClientConnection managed) {
            HttpClientHooks.leased(entry, managed);
        }
    }

    /** A socket is opened, to the server or to the first proxy. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Parks until there is room; the caller holds no lock of the client. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This HttpClientConnectionManager manager,
                @Advice.Argument(0) HttpClientConnection managed,
                @Advice.Argument(1) HttpRoute route) {
            return HttpClientHooks.connecting(manager, managed, route);
        }

        /** Counts the connection, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object opening,
                @Advice.Argument(0) HttpClientConnection managed,
                @Advice.Thrown @Nullable Throwable thrown) {
            HttpClientHooks.connected(opening, managed, thrown);
        }
    }

    /** The connection leads to the server now, through a tunnel where the route has one. */
    public static final class RouteCompleteAdvice {
        private RouteCompleteAdvice() {}

        /** From now on the answers are the server's. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.Argument(0) HttpClientConnection managed) {
            HttpClientHooks.routeComplete(managed);
        }
    }

    /** The exchange is over: its connection is in the pool again, or closed. */
    public static final class ReleasedAdvice {
        private ReleasedAdvice() {}

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Argument(0) HttpClientConnection managed) {
            HttpClientHooks.released(managed);
        }
    }

    /** The manager was shut down and has closed its connections. */
    public static final class ShutDownAdvice {
        private ShutDownAdvice() {}

        /** Lets those go on who wait, and those go free whose responses nobody closed. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This HttpClientConnectionManager manager) {
            HttpClientHooks.shutDown(manager);
        }
    }

    /** The head of a response was read. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** Tells the version of its status line. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This HttpConnection connection, @Advice.Return @Nullable HttpResponse response) {
            Answers.answered(connection, response);
        }
    }
}
