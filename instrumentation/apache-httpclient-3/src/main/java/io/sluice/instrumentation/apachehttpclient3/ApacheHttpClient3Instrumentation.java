package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.bridge.Refusal;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import net.bytebuddy.asm.Advice;
import org.apache.commons.httpclient.HostConfiguration;
import org.apache.commons.httpclient.HttpConnection;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.apache.commons.httpclient.SimpleHttpConnectionManager;
import org.jspecify.annotations.Nullable;

/** Hooks on the two connection managers and their connections; the same members in 3.0, 3.0.1 and 3.1. */
public final class ApacheHttpClient3Instrumentation implements ClientInstrumentation {
    private static final String HERE = "io.sluice.instrumentation.apachehttpclient3.ApacheHttpClient3Instrumentation$";
    private static final String HELPERS = "io.sluice.instrumentation.apachehttpclient3.";
    private static final String POOL = "MultiThreadedHttpConnectionManager";
    private static final String SIMPLE = "SimpleHttpConnectionManager";

    @Override
    public String client() {
        return "apache-httpclient-3";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                HELPERS + "Home",
                HELPERS + "Granted",
                HELPERS + "Opening",
                HELPERS + "ManagedConnection",
                HELPERS + "ManagedConnections",
                HELPERS + "ManagedConnectionOwner",
                HELPERS + "HttpClientHooks");
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                // Private; getConnectionWithTimeout wraps what it returns, for one exchange.
                on(POOL, "doGetConnection", "PooledAdvice"),
                on(POOL, "getConnection", "UntimedAdvice").parameters(1),
                on(POOL + "$ConnectionPool", "freeConnection", "ReleasedAdvice"),
                on(POOL, "shutdown", "ShutDownAdvice"),
                on(POOL, "shutdownAll", "ShutDownAllAdvice"),
                on(SIMPLE, "getConnectionWithTimeout", "TheOneAdvice"),
                on(SIMPLE, "releaseConnection", "ReleasedAdvice"),
                on("HttpConnection", "open", "OpenAdvice"),
                on("HttpConnection", "readLine", "AnsweredAdvice"),
                on("HttpConnection", "closeSocketAndStreams", "ClosedAdvice"));
    }

    private static Hook on(String type, String method, String advice) {
        return Hook.on("org.apache.commons.httpclient." + type).method(method).advice(HERE + advice);
    }

    /** An exchange wants a connection of the pool. */
    public static final class PooledAdvice {
        private PooledAdvice() {}

        /**
         * Parks until the lease is granted; the caller holds no lock of the client. What is left of the client's own time
         * is passed on to its pool.
         */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This HttpConnectionManager manager,
                @Advice.Argument(0) HostConfiguration target,
                @Advice.Argument(value = 1, readOnly = false) long timeout) {
            Object taking = HttpClientHooks.acquire(manager, target, timeout);
            timeout = HttpClientHooks.rest(taking, timeout);
            return taking;
        }

        /** Ties the lease to the connection, or gives it back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object taking,
                @Advice.Return @Nullable HttpConnection connection,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = HttpClientHooks.taken(taking, connection, thrown);
        }
    }

    /** Somebody wants a connection of the pool by the method that has no timeout. */
    public static final class UntimedAdvice {
        private UntimedAdvice() {}

        /** It must not see the exception that it takes for a reason to ask again. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter() {
            HttpClientHooks.triesForEver(true);
        }

        /** Whatever the thread asks for next may see it. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit() {
            HttpClientHooks.triesForEver(false);
        }
    }

    /** An exchange wants the one connection of a simple manager. */
    public static final class TheOneAdvice {
        private TheOneAdvice() {}

        /** Ends the exchange before, then parks until the lease is granted; the caller holds no lock of the client. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This HttpConnectionManager manager,
                @Advice.FieldValue("httpConnection") @Nullable HttpConnection theOne,
                @Advice.Argument(0) HostConfiguration target,
                @Advice.Argument(1) long timeout) {
            return HttpClientHooks.acquireTheOne(manager, theOne, target, timeout);
        }

        /** Ties the lease to the connection, or gives it back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object taking,
                @Advice.Return @Nullable HttpConnection connection,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = HttpClientHooks.taken(taking, connection, thrown);
        }
    }

    /** A manager takes a connection back. */
    public static final class ReleasedAdvice {
        private ReleasedAdvice() {}

        /** Remembers whose it was: the pool may give it out again before the exit. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) @Nullable HttpConnection connection) {
            return HttpClientHooks.leaseOf(connection);
        }

        /** Idle, unless given out again or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object lease, @Advice.Argument(0) @Nullable HttpConnection connection) {
            HttpClientHooks.released(connection, lease);
        }
    }

    /** A socket is opened, to the server or to the proxy. */
    public static final class OpenAdvice {
        private OpenAdvice() {}

        /** Parks until there is room; the caller holds no lock of the client. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.This HttpConnection connection) {
            return HttpClientHooks.opening(connection);
        }

        /** Counts the connection, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object opening,
                @Advice.FieldValue("socket") @Nullable Socket socket,
                @Advice.Thrown @Nullable Throwable thrown) {
            HttpClientHooks.opened(opening, socket, thrown);
        }
    }

    /** A line was read that is none of the headers. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** Tells the version if it is a status line. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This HttpConnection connection, @Advice.Return @Nullable String line) {
            HttpClientHooks.lineRead(connection, line);
        }
    }

    /** The client has closed a connection, or given up opening it. */
    public static final class ClosedAdvice {
        private ClosedAdvice() {}

        /** The room goes back; sockets of the program's own making may not have told. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.This HttpConnection connection,
                @Advice.FieldValue("httpConnectionManager") @Nullable HttpConnectionManager manager,
                @Advice.FieldValue("locked") boolean locked) {
            HttpClientHooks.closed(connection, manager instanceof SimpleHttpConnectionManager, locked);
        }
    }

    /** A pool was shut down and has closed its connections. */
    public static final class ShutDownAdvice {
        private ShutDownAdvice() {}

        /** Lets those go on who wait, and those go free whose responses nobody closed. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This HttpConnectionManager manager) {
            HttpClientHooks.shutDown(manager);
        }
    }

    /** All pools are shut down, one after the other. */
    public static final class ShutDownAllAdvice {
        private ShutDownAllAdvice() {}

        /** Until the last is done, nobody is let go on. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter() {
            HttpClientHooks.shuttingAllDown();
        }

        /** They are all shut down, or could not be. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit() {
            HttpClientHooks.allShutDown();
        }
    }
}
