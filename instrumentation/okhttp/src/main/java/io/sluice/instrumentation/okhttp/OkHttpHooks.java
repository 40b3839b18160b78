package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.LimiterTable;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.net.Proxy;
import java.net.Socket;
import okhttp3.Address;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.EventListener;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/**
 * What the advice calls. A <i>call</i> is here whatever OkHttp gives connections to. Whatever is not known here goes on
 * unlimited.
 */
public final class OkHttpHooks {
    private static final WeakMap<Object, CallState> CALLS = new LostCalls();
    /** The attempts to connect since 5.0, by plan: they are made on other threads. */
    private static final WeakMap<Object, PlanState> PLANS = new WeakMap<>();
    /** The call that looks for a connection on this thread. */
    private static final ThreadLocal<@Nullable CallState> CURRENT = new ThreadLocal<>();

    private OkHttpHooks() {}

    private static CallState state(Object call) {
        CallState known = CALLS.get(call);
        return known != null ? known : CALLS.putIfAbsent(call, new CallState());
    }

    /** Takes back the leases of calls that the program has lost. */
    static void freeTheLost() {
        CALLS.drop();
    }

    // ---- The gate -----------------------------------------------------------------------------------------------

    /**
     * A call looks for a connection: parks until it has a lease, unless it has a connection already. Holds no lock.
     *
     * @return what {@link #left} is to be given; a {@link Refusal} skips the client's method
     */
    public static Object enter(MethodHandles.Lookup lookup, Object call, Object pool, Address address) {
        Internals.learn(lookup);
        CallState state = state(call);
        if (state.carrier() == null) {
            return pass(state, PoolState.of(pool), address);
        }
        state.beginAgain();
        return through(state, PoolState.of(pool));
    }

    /** The same since 4.4, where a call that leaves for another server comes with the former one's connection. */
    public static Object enter(
            MethodHandles.Lookup lookup, Object call, Object pool, Object finder, EventListener listener)
            throws Throwable {
        Internals.learn(lookup);
        Address address = Internals.address(finder);
        CallState state = state(call);
        Carrier had = state.carrier();
        if (had != null && !had.leadsTo(address)) {
            giveBack((Call) call, had, listener);
        }
        return enter(lookup, call, pool, address);
    }

    private static Object pass(CallState state, PoolState pool, Address address) {
        try {
            Refusal refusal = state.begin(address, pool);
            return refusal != null ? refusal : through(state, pool);
        } catch (Throwable fault) {
            state.end();
            throw fault;
        }
    }

    private static Passage through(CallState state, PoolState pool) {
        Passage passage = new Passage(state, pool, CURRENT.get());
        CURRENT.set(state);
        return passage;
    }

    /** As the client itself does later: but whoever waits must not hold what others wait for. */
    private static void giveBack(Call call, Carrier had, EventListener listener) throws Throwable {
        Connection connection = had.client();
        Object pool = had.pool();
        if (connection == null || pool == null) {
            return;
        }
        Socket toClose;
        synchronized (pool) {
            synchronized (connection) {
                toClose = Internals.release(call);
            }
        }
        ConnectionEvictor.close(toClose);
        listener.connectionReleased(call, connection);
    }

    /** The call has found a connection, or failed. Returns what the program is to see thrown, or null. */
    public static @Nullable Throwable left(@Nullable Object passage, @Nullable Throwable thrown) {
        if (passage instanceof Refusal) {
            return ((Refusal) passage).exception();
        }
        if (!(passage instanceof Passage)) {
            return thrown;
        }
        Passage left = (Passage) passage;
        if (left.outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(left.outer);
        }
        try {
            Carrier found = left.call.carrier();
            if (thrown == null && found != null && found.isMultiplexed()) {
                left.pool.offer(found);
            }
        } finally {
            left.call.end();
        }
        return thrown;
    }

    /** A call was cancelled: its waiting ends. Never blocks. */
    public static void cancelled(Object call) {
        state(call).cancel();
    }

    // ---- Connections of calls, with the client's lock held ------------------------------------------------------

    /** The call has acquired this connection. */
    public static void acquired(Object call, @Nullable Connection connection, Object pool) {
        if (connection != null) {
            Carrier carrier = Carrier.of(connection);
            carrier.keptIn(Internals.pool(connection, pool));
            state(call).acquired(carrier);
        }
    }

    /**
     * The call has given this connection back.
     *
     * @param toClose the socket, if the client is about to close it
     */
    public static void released(Object call, @Nullable Connection connection, @Nullable Object toClose) {
        Carrier carrier = Carrier.known(connection);
        if (carrier == null) {
            return;
        }
        state(call).released(carrier, toClose != null);
        Object pool = carrier.pool();
        if (pool != null && toClose == null && carrier.isMultiplexed()) {
            PoolState.of(pool).wake(carrier);
        }
    }

    /** The server of an HTTP/2 connection says how many streams it takes. */
    public static void streams(Connection connection, int streams) {
        Carrier carrier = Carrier.of(connection);
        carrier.streams(streams);
        Object pool = carrier.pool();
        if (pool != null) {
            PoolState.of(pool).wake(carrier);
        }
    }

    // ---- Sockets ------------------------------------------------------------------------------------------------

    /** Up to 4.12: the call on this thread opens a socket for a connection; parks until there is room. */
    public static @Nullable Object opening(Route route) throws Throwable {
        CallState call = CURRENT.get();
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
        CallState call = CURRENT.get();
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

    // ---- Answers ------------------------------------------------------------------------------------------------

    /** The head of a response was read from this connection. */
    public static void answered(@Nullable Connection connection, @Nullable Response response) throws Throwable {
        Carrier carrier = Carrier.known(connection);
        if (carrier != null && response != null) {
            answered(carrier, response);
        }
    }

    /** The same up to 3.3, where the call is at hand. */
    public static void answeredTo(@Nullable Object call, @Nullable Response response) throws Throwable {
        CallState state = CALLS.get(call);
        Carrier carrier = state == null ? null : state.carrier();
        if (carrier != null && response != null) {
            answered(carrier, response);
        }
    }

    private static void answered(Carrier carrier, Response response) throws Throwable {
        boolean http10 = response.protocol() == Protocol.HTTP_1_0;
        io.sluice.limiter.Connection counted = carrier.counted();
        if (counted != null) {
            counted.answered(http10);
        }
        Connection connection = carrier.client();
        Object pool = carrier.pool();
        if (http10 && connection != null && pool != null && !saysKeepAlive(response)) {
            synchronized (pool) {
                synchronized (connection) {
                    Internals.refuseExchanges(connection, pool);
                }
            }
        }
    }

    private static boolean saysKeepAlive(Response response) {
        return "keep-alive".equalsIgnoreCase(response.header("Connection"))
                || "keep-alive".equalsIgnoreCase(response.header("Proxy-Connection"));
    }

    /** Nobody can close a body that the program has lost. */
    static final class LostCalls extends WeakMap<Object, CallState> {
        @Override
        protected void collected(CallState lost) {
            lost.lost();
        }
    }
}
