package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.Refusal;
import io.sluice.bridge.WatchedMap;
import java.lang.invoke.MethodHandles;
import java.net.Socket;
import okhttp3.Address;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.EventListener;
import okhttp3.Protocol;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * What the advice calls, but for what concerns sockets. A <i>call</i> is here whatever OkHttp gives connections to. Whatever is not known here goes on
 * unlimited.
 */
public final class OkHttpHooks {
    private static final WatchedMap<Object, CallState> CALLS = new LostCalls();
    /** The call that looks for a connection on this thread. */
    private static final ThreadLocal<@Nullable CallState> CURRENT = new ThreadLocal<>();

    private OkHttpHooks() {}

    private static CallState state(Object call) {
        CallState known = CALLS.get(call);
        return known != null ? known : CALLS.putIfAbsent(call, new CallState());
    }

    /** The call that looks for a connection on this thread, or null. */
    static @Nullable CallState current() {
        return CURRENT.get();
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
    static final class LostCalls extends WatchedMap<Object, CallState> {
        @Override
        protected void collected(CallState lost) {
            lost.lost();
        }
    }
}
