package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.Refusal;
import java.lang.invoke.MethodHandles;
import java.net.Socket;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;
import okhttp3.Address;
import okhttp3.Connection;
import okhttp3.EventListener;
import okhttp3.Interceptor;
import okhttp3.Response;
import okhttp3.Route;
import okhttp3.internal.connection.ConnectPlan;
import okhttp3.internal.connection.RoutePlanner;
import org.jspecify.annotations.Nullable;

/** The advice; each class is named after the method that it is woven into. */
public final class OkHttpAdvice {
    private OkHttpAdvice() {}

    /** {@code StreamAllocation.newStream}, up to 3.13: a call looks for a connection. */
    public static final class NewStream {
        private NewStream() {}

        /** Parks until the call has a lease; it holds no lock. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This Object call,
                @Advice.FieldValue("connectionPool") Object pool,
                @Advice.FieldValue("address") Address address) {
            return OkHttpHooks.enter(MethodHandles.lookup(), call, pool, address);
        }

        /** Gives the lease back that no connection has taken. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object passage, @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = OkHttpHooks.left(passage, thrown);
        }
    }

    /** {@code ExchangeFinder.find}, 3.14 to 4.3: a call looks for a connection. */
    public static final class Find {
        private Find() {}

        /** Parks until the call has a lease; it holds no lock. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.FieldValue("transmitter") Object call,
                @Advice.FieldValue("connectionPool") Object pool,
                @Advice.FieldValue("address") Address address) {
            return OkHttpHooks.enter(MethodHandles.lookup(), call, pool, address);
        }

        /** Gives the lease back that no connection has taken. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object passage, @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = OkHttpHooks.left(passage, thrown);
        }
    }

    /** {@code RealCall.initExchange}, since 4.4: a call looks for a connection. */
    public static final class InitExchange {
        private InitExchange() {}

        /** Parks until the call has a lease; it holds no lock. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This Object call,
                @Advice.FieldValue("connectionPool") Object pool,
                @Advice.FieldValue("exchangeFinder") Object finder,
                @Advice.FieldValue("eventListener") EventListener listener)
                throws Throwable {
            return OkHttpHooks.enter(MethodHandles.lookup(), call, pool, finder, listener);
        }

        /** Gives the lease back that no connection has taken. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object passage, @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = OkHttpHooks.left(passage, thrown);
        }
    }

    /** {@code cancel} of whoever has the connection. */
    public static final class Cancel {
        private Cancel() {}

        /** Ends the wait; after the client's own flag is set. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object call) {
            OkHttpHooks.cancelled(call);
        }
    }

    /** {@code StreamAllocation.acquire} and {@code releaseAndAcquire}, up to 3.13. */
    public static final class Acquire {
        private Acquire() {}

        /** Ties the lease to the connection. With the pool's lock. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object call,
                @Advice.Argument(0) Connection connection,
                @Advice.FieldValue("connectionPool") Object pool) {
            OkHttpHooks.acquired(call, connection, pool);
        }
    }

    /** {@code acquireConnectionNoEvents} of a {@code Transmitter} or {@code RealCall}, since 3.14. */
    public static final class AcquireConnection {
        private AcquireConnection() {}

        /** Ties the lease to the connection. With the lock of the pool or, since 4.5, of the connection. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object call,
                @Advice.Argument(0) Connection connection,
                @Advice.FieldValue("connectionPool") Object pool) {
            OkHttpHooks.acquired(call, connection, pool);
        }
    }

    /** {@code StreamAllocation.deallocate}, up to 3.13. */
    public static final class Deallocate {
        private Deallocate() {}

        /** Which connection it may give back. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Connection enter(@Advice.FieldValue("connection") @Nullable Connection connection) {
            return connection;
        }

        /** Idle, unless closed or taken; up to 3.5 it is closed by now, later the socket to close is returned. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object call,
                @Advice.Enter @Nullable Connection before,
                @Advice.FieldValue("connection") @Nullable Connection after,
                @Advice.Return(typing = Assigner.Typing.DYNAMIC) @Nullable Object toClose) {
            if (before != null && after == null) {
                OkHttpHooks.released(call, before, toClose);
            }
        }
    }

    /** {@code releaseConnectionNoEvents} of a {@code Transmitter} or {@code RealCall}, since 3.14. */
    public static final class ReleaseConnection {
        private ReleaseConnection() {}

        /** Which connection it gives back. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Connection enter(@Advice.FieldValue("connection") @Nullable Connection connection) {
            return connection;
        }

        /** Idle, unless its socket is to be closed; then the lease goes to the next. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object call,
                @Advice.Enter @Nullable Connection connection,
                @Advice.Return @Nullable Socket toClose) {
            OkHttpHooks.released(call, connection, toClose);
        }
    }

    /** {@code RealConnection.onSettings}: what an HTTP/2 server says first. */
    public static final class Settings {
        private Settings() {}

        /** How many calls may go along from now on. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Connection connection, @Advice.FieldValue("allocationLimit") int streams) {
            OkHttpHooks.streams(connection, streams);
        }
    }

    /** {@code RealConnection.connectSocket}, up to 4.12; for each attempt of a tunnel or of TLS anew. */
    public static final class ConnectSocket {
        private ConnectSocket() {}

        /** Parks until there is room; no lock is held. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.FieldValue("route") Route route) throws Throwable {
            return SocketHooks.opening(route);
        }

        /** Counts the socket, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.This Connection connection,
                @Advice.Enter @Nullable Object opening,
                @Advice.FieldValue("rawSocket") @Nullable Socket socket,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = SocketHooks.opened(opening, connection, socket, thrown);
        }
    }

    /** The constructor of {@code ConnectPlan}, since 5.0; on the thread of its call. */
    public static final class Plan {
        private Plan() {}

        /** Remembers whose plan it is. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object plan) {
            SocketHooks.planned(plan);
        }
    }

    /** {@code ConnectPlan.connectSocket}, since 5.0; plans of one call race each other on threads of their own. */
    public static final class ConnectPlanned {
        private ConnectPlanned() {}

        /** Parks until there is room; no lock is held. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.This Object plan, @Advice.FieldValue("route") Route route)
                throws Throwable {
            return SocketHooks.opening(plan, route);
        }

        /** Counts the socket, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.This Object plan,
                @Advice.Enter @Nullable Object opening,
                @Advice.FieldValue("rawSocket") @Nullable Socket socket,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = SocketHooks.opened(plan, opening, socket, thrown);
        }
    }

    /** {@code ConnectPlan.connectTcp}, since 5.0, which calls {@code connectSocket}. */
    public static final class ConnectTcp {
        private ConnectTcp() {}

        /** A plan that was stopped for another one has not failed: it comes after that. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This ConnectPlan plan, @Advice.Return(readOnly = false) RoutePlanner.ConnectResult result) {
            if (SocketHooks.isStopped(plan)) {
                RoutePlanner.Plan again = plan.retry();
                SocketHooks.plannedAgain(plan, again);
                result = new RoutePlanner.ConnectResult(plan, again, null);
            }
        }
    }

    /** {@code ConnectPlan.cancel}, since 5.0. */
    public static final class CancelPlan {
        private CancelPlan() {}

        /** Ends the wait for room; after the client's own flag is set. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object plan) {
            SocketHooks.planCancelled(plan);
        }
    }

    /** The constructor of {@code RealConnection}: since 5.0 it is given a connected socket. */
    public static final class Made {
        private Made() {}

        /** The connection stands for its socket from now on. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Connection connection, @Advice.FieldValue("rawSocket") @Nullable Socket socket) {
            SocketHooks.made(connection, socket);
        }
    }

    /** {@code CallServerInterceptor.intercept}, since 3.4: a request was sent and the head of its response read. */
    public static final class Intercept {
        private Intercept() {}

        /** Tells the server's version; answers to CONNECT do not come by. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.Argument(0) Interceptor.Chain chain, @Advice.Return @Nullable Response response)
                throws Throwable {
            OkHttpHooks.answered(chain.connection(), response);
        }
    }

    /** {@code HttpEngine.readNetworkResponse}, up to 3.3. */
    public static final class ReadResponse {
        private ReadResponse() {}

        /** Tells the server's version; answers to CONNECT do not come by. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.FieldValue("streamAllocation") @Nullable Object call,
                @Advice.Return @Nullable Response response)
                throws Throwable {
            OkHttpHooks.answeredTo(call, response);
        }
    }

    /** The constructor of {@code AsyncCall}, in {@code enqueue}. */
    public static final class Enqueue {
        private Enqueue() {}

        /** Remembers the caller's trace. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object call) {
            Traces.enqueued(call);
        }
    }

    /** {@code AsyncCall.execute} in version 3, {@code AsyncCall.run} since. */
    public static final class Run {
        private Run() {}

        /** Its waits are the caller's. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.This Object call) {
            return Traces.begun(call);
        }

        /** The thread is free for another call. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object context) {
            Traces.ended(context);
        }
    }
}
