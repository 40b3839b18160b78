package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.LimiterTable;
import java.io.IOException;
import java.net.Proxy;
import java.net.Socket;
import okhttp3.Connection;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/** What the advice calls when sockets are opened. A socket of no known call goes uncounted. */
public final class SocketHooks {
    /** The attempts to connect since 5.0, by plan: they are made on other threads. */
    private static final WeakMap<Object, PlanState> PLANS = new WeakMap<>();

    private SocketHooks() {}

    /** Up to 4.12: the call on this thread opens a socket for a connection; parks until there is room. */
    public static @Nullable Object opening(Route route) throws Throwable {
        CallState call = OkHttpHooks.current();
        if (call == null) {
            return null;
        }
        try {
            return open(call, call.beginAttempt(), null, route);
        } finally {
            call.endAttempt();
        }
    }

    private static @Nullable Object open(CallState call, Attempt attempt, @Nullable PlanState plan, Route route)
            throws Throwable {
        if (attempt.isCancelled()) {
            return new Refusal(new IOException("Canceled"));
        }
        Object answer = call.leaseFor(route, attempt);
        LimiterTable table = ConnectionGate.table();
        if (!(answer instanceof Lease) || table == null) {
            return answer;
        }
        io.sluice.limiter.Connection opened = table.open((Lease) answer, false);
        try {
            if (!opened.isGranted() && plan != null) {
                plan.stopOther();
            }
            if (!opened.isGranted() && !attempt.awaitUninterruptibly(opened)) {
                return new Refusal(new IOException("Canceled"));
            }
            return new Opening(opened, Sockets.beginOpening(opened));
        } catch (Throwable fault) {
            opened.closed();
            throw fault;
        }
    }

    /** Up to 4.12: a connection's socket is connected, or failed. */
    public static @Nullable Throwable opened(
            @Nullable Object opening, Connection connection, @Nullable Socket socket, @Nullable Throwable thrown) {
        if (opening instanceof Opening && thrown == null) {
            io.sluice.limiter.Connection counted = ((Opening) opening).connection;
            Carrier.of(connection).counted(counted);
        }
        return opened(opening, socket, thrown);
    }

    private static @Nullable Throwable opened(
            @Nullable Object opening, @Nullable Socket socket, @Nullable Throwable thrown) {
        if (opening instanceof Refusal) {
            return ((Refusal) opening).exception();
        }
        if (!(opening instanceof Opening)) {
            return thrown;
        }
        io.sluice.limiter.Connection counted = ((Opening) opening).connection;
        Sockets.endOpening(((Opening) opening).before);
        if (thrown != null || socket == null) {
            ConnectionEvictor.close(socket); // as the client is about to do
            counted.closed();
        } else if (Sockets.of(socket) == null && !counted.isClosed()) {
            Sockets.opened(socket, counted); // a factory of the program's may connect otherwise than by Socket.connect
            if (socket.isClosed()) {
                counted.closed();
            }
        }
        return thrown;
    }

    // ---- Sockets since 5.0 --------------------------------------------------------------------------------------

    /** A call plans to connect. */
    public static void planned(Object plan) {
        CallState call = OkHttpHooks.current();
        if (call != null) {
            PLANS.put(plan, new PlanState(call, plan, false));
        }
    }

    /** A plan opens its socket, on a thread of its own perhaps; parks until there is room. */
    public static @Nullable Object opening(Object plan, Route route) throws Throwable {
        PlanState state = PLANS.get(plan);
        if (state == null) {
            return null;
        }
        // Who stops an attempt by way of a proxy has the program's selector believe that the proxy is dead.
        boolean races = route.proxy().type() == Proxy.Type.DIRECT;
        Object opening = open(state.call, state.attempt, races ? state : null, route);
        if (opening instanceof Opening && races) {
            state.begin();
        }
        return opening;
    }

    /** A plan's socket is connected, or failed. */
    public static @Nullable Throwable opened(
            Object plan, @Nullable Object opening, @Nullable Socket socket, @Nullable Throwable thrown) {
        PlanState state = PLANS.get(plan);
        if (state != null) {
            state.end();
        }
        return opened(opening, socket, thrown);
    }

    /** Whether a plan that has failed, or was connected for a moment, was stopped for another one of its call. */
    public static boolean isStopped(Object plan) {
        PlanState state = PLANS.get(plan);
        return state != null && state.isStopped();
    }

    /** The plan is made anew, after the other one. */
    public static void plannedAgain(Object stopped, Object plan) {
        PlanState state = PLANS.get(stopped);
        if (state != null) {
            PLANS.put(plan, new PlanState(state.call, plan, true));
        }
    }

    /** A plan lost the race against another, or its call was cancelled. Never blocks. */
    public static void planCancelled(Object plan) {
        PlanState state = PLANS.get(plan);
        if (state != null) {
            state.attempt.cancel();
        }
    }

    /** A connection was made of a connected socket. */
    public static void made(Connection connection, @Nullable Socket socket) {
        io.sluice.limiter.Connection counted = Sockets.of(socket);
        if (counted != null) {
            Carrier.of(connection).counted(counted);
        }
    }
}
