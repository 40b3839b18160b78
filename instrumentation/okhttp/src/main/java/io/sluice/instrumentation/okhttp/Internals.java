package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.FailOpen;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.Socket;
import okhttp3.Address;
import okhttp3.Connection;
import org.jspecify.annotations.Nullable;

/**
 * The few internals of OkHttp that the hooks call, by method handles: their names differ between versions, and in version
 * 5 they are in a package that its module does not export. The advice has the look-up of the class into which it is
 * woven, and that sees them. Immutable.
 */
final class Internals {
    private static final MethodType BECAME_IDLE = MethodType.methodType(boolean.class);

    private static volatile MethodHandles.@Nullable Lookup lookup;
    private static volatile @Nullable Internals found;

    private final MethodHandle refuseExchanges;
    private final MethodHandle becameIdle;
    /** The pool of a connection, since 4.0; earlier only whoever holds the connection knows it. */
    private final @Nullable MethodHandle pool;

    private Internals(MethodHandles.Lookup from, Class<?> connection, Class<?> poolType) throws Exception {
        boolean hasSetter = has(connection, "setNoNewExchanges");
        boolean ofVersion3 = poolType.getName().equals("okhttp3.ConnectionPool"); // up to 3.13
        MethodType setter = MethodType.methodType(void.class, boolean.class);
        refuseExchanges = hasSetter
                ? from.findVirtual(connection, "setNoNewExchanges", setter)
                : from.findSetter(connection, ofVersion3 ? "noNewStreams" : "noNewExchanges", boolean.class);
        becameIdle = ofVersion3
                ? throughInternal(from, connection, poolType)
                : from.findVirtual(poolType, "connectionBecameIdle", BECAME_IDLE.appendParameterTypes(connection));
        pool = has(connection, "getConnectionPool")
                ? from.findVirtual(connection, "getConnectionPool", MethodType.methodType(poolType))
                : null;
    }

    /** The pool is in another package, which opens itself by this class. */
    private static MethodHandle throughInternal(MethodHandles.Lookup from, Class<?> connection, Class<?> poolType)
            throws Exception {
        Class<?> internal = Class.forName("okhttp3.internal.Internal", false, connection.getClassLoader());
        Object instance = internal.getField("instance").get(null);
        return from.findVirtual(
                        internal, "connectionBecameIdle", BECAME_IDLE.appendParameterTypes(poolType, connection))
                .bindTo(instance);
    }

    private static boolean has(Class<?> type, String method) {
        for (java.lang.reflect.Method declared : type.getDeclaredMethods()) {
            if (declared.getName().equals(method)) {
                return true;
            }
        }
        return false;
    }

    /** The advice's own look-up; the first one stays. */
    static void learn(MethodHandles.Lookup full) {
        if (lookup == null) {
            lookup = full;
        }
    }

    private static Internals of(Connection connection, Object poolOrOther) throws Exception {
        Internals known = found;
        if (known == null) {
            MethodHandles.Lookup from = lookup;
            if (from == null) {
                throw new IllegalStateException("no exchange has come by");
            }
            known = new Internals(from, connection.getClass(), poolOrOther.getClass());
            found = known;
        }
        return known;
    }

    /** The pool that keeps this connection: {@code holders}, or another one since 5.2, where interceptors may choose. */
    static Object pool(Connection connection, Object holders) {
        try {
            MethodHandle getter = of(connection, holders).pool;
            return getter == null ? holders : getter.invoke(connection);
        } catch (Throwable fault) {
            FailOpen.report(fault);
            return holders;
        }
    }

    /**
     * No call gets this connection from now on, and its pool drops it. With the locks of {@link ConnectionEvictor}; the
     * caller closes the socket afterwards.
     */
    static void retire(Connection connection, Object pool) throws Throwable {
        Internals now = of(connection, pool);
        now.refuseExchanges.invoke(connection, true);
        now.becameIdle.invoke(pool, connection);
    }

    /** No further call gets this connection; it is closed after the ones that have it. */
    static void refuseExchanges(Connection connection, Object pool) throws Throwable {
        of(connection, pool).refuseExchanges.invoke(connection, true);
    }

    // ---- Since 4.4 ----------------------------------------------------------------------------------------------

    private static volatile @Nullable MethodHandle release;
    private static volatile @Nullable MethodHandle address;
    private static volatile @Nullable MethodHandle cancelPlan;

    /** {@code RealCall.releaseConnectionNoEvents}; the socket that is to be closed afterwards, or null. With its locks. */
    static @Nullable Socket release(Object call) throws Throwable {
        MethodHandle handle = release;
        if (handle == null) {
            handle = full().findVirtual(
                            call.getClass(), "releaseConnectionNoEvents$okhttp", MethodType.methodType(Socket.class));
            release = handle;
        }
        return (Socket) handle.invoke(call);
    }

    /** The address that a call is about to connect to, from its {@code ExchangeFinder}: a class in 4, an interface in 5. */
    static Address address(Object finder) throws Throwable {
        MethodHandle handle = address;
        if (handle == null) {
            handle = findAddress(finder.getClass());
            address = handle;
        }
        return (Address) handle.invoke(finder);
    }

    /** {@code ConnectPlan.cancel}, since 5.0: closes the socket. */
    static void cancelPlan(Object plan) throws Throwable {
        MethodHandle handle = cancelPlan;
        if (handle == null) {
            handle = full().findVirtual(plan.getClass(), "cancel", MethodType.methodType(void.class));
            cancelPlan = handle;
        }
        handle.invoke(plan);
    }

    private static MethodHandle findAddress(Class<?> finder) throws Exception {
        MethodType getter = MethodType.methodType(Address.class);
        if (has(finder, "getAddress$okhttp")) {
            return full().findVirtual(finder, "getAddress$okhttp", getter);
        }
        ClassLoader loader = finder.getClassLoader();
        Class<?> finders = Class.forName("okhttp3.internal.connection.ExchangeFinder", false, loader);
        Class<?> planners = Class.forName("okhttp3.internal.connection.RoutePlanner", false, loader);
        return MethodHandles.filterReturnValue(
                full().findVirtual(finders, "getRoutePlanner", MethodType.methodType(planners)),
                full().findVirtual(planners, "getAddress", getter));
    }

    private static MethodHandles.Lookup full() {
        MethodHandles.Lookup from = lookup;
        if (from == null) {
            throw new IllegalStateException("no exchange has come by");
        }
        return from;
    }
}
