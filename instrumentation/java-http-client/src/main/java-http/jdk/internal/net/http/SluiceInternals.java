package jdk.internal.net.http;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.channels.Channel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Private members of the client's classes, and those that differ between versions. Resolved once; where one is missing,
 * this class fails to initialize, the first exchange reports it, and this client goes unlimited. Thread-safe.
 */
final class SluiceInternals {
    /** Returns a SocketChannel; since 26 a NetworkChannel, to serve HTTP/3 as well. */
    private static final MethodHandle CHANNEL;

    private static final MethodHandle RESPONSE_PARSER;
    private static final MethodHandle RESPONSE_CONNECTION;
    private static final MethodHandle RESPONSE_REQUEST;
    private static final MethodHandle PLAIN_POOL;
    private static final MethodHandle SSL_POOL;
    private static final MethodHandle EXPIRY_LIST;
    private static final MethodHandle EXPIRY_REMOVE;
    /** A lock since 21, null before: there the pool's monitor is its lock. */
    private static final @Nullable MethodHandle POOL_LOCK;

    /** From 17 on, to cancel the program's future cancels the exchange. */
    static final boolean CANCEL_REACHES_EXCHANGE;

    static {
        try {
            Lookup here = MethodHandles.lookup();
            CHANNEL = here.unreflect(HttpConnection.class.getDeclaredMethod("channel"))
                    .asType(MethodType.methodType(Channel.class, HttpConnection.class));

            Lookup response = MethodHandles.privateLookupIn(Http1Response.class, here);
            RESPONSE_PARSER = response.findGetter(Http1Response.class, "hd", Http1HeaderParser.class);
            RESPONSE_CONNECTION = response.findGetter(Http1Response.class, "connection", HttpConnection.class);
            RESPONSE_REQUEST = response.findGetter(Http1Response.class, "request", HttpRequestImpl.class);

            Lookup pool = MethodHandles.privateLookupIn(ConnectionPool.class, here);
            PLAIN_POOL = pool.findGetter(ConnectionPool.class, "plainPool", HashMap.class);
            SSL_POOL = pool.findGetter(ConnectionPool.class, "sslPool", HashMap.class);
            Field expiries = ConnectionPool.class.getDeclaredField("expiryList");
            EXPIRY_LIST =
                    pool.unreflectGetter(expiries).asType(MethodType.methodType(Object.class, ConnectionPool.class));
            Class<?> expiryList = expiries.getType();
            EXPIRY_REMOVE = MethodHandles.privateLookupIn(expiryList, here)
                    .findVirtual(expiryList, "remove", MethodType.methodType(void.class, HttpConnection.class))
                    .asType(MethodType.methodType(void.class, Object.class, HttpConnection.class));
            POOL_LOCK = lock(pool, ConnectionPool.class);

            CANCEL_REACHES_EXCHANGE = cancels();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private SluiceInternals() {}

    static @Nullable MethodHandle lock(Lookup lookup, Class<?> type) throws IllegalAccessException {
        try {
            return lookup.findGetter(type, "stateLock", ReentrantLock.class);
        } catch (NoSuchFieldException monitor) {
            return null;
        }
    }

    private static boolean cancels() {
        for (Method method : MultiExchange.class.getDeclaredMethods()) {
            if (method.getName().equals("cancel")
                    && Arrays.equals(method.getParameterTypes(), new Class<?>[] {boolean.class})) {
                return true;
            }
        }
        return false;
    }

    /** The channel of a connection, of which there is one for its whole life. */
    static Channel channel(HttpConnection connection) {
        try {
            return (Channel) CHANNEL.invokeExact(connection);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The status line of the response whose header was read, or null. */
    static @Nullable String statusLine(Http1Response<?> response) throws Throwable {
        Http1HeaderParser parser = (Http1HeaderParser) RESPONSE_PARSER.invokeExact(response);
        return parser == null ? null : parser.statusLine();
    }

    /** The connection on which a response comes. */
    static HttpConnection connection(Http1Response<?> response) throws Throwable {
        return (HttpConnection) RESPONSE_CONNECTION.invokeExact(response);
    }

    /** The request that a response answers. */
    static HttpRequestImpl request(Http1Response<?> response) throws Throwable {
        return (HttpRequestImpl) RESPONSE_REQUEST.invokeExact(response);
    }

    /**
     * Takes an idle connection out of its pool, under the pool's lock.
     *
     * @return false if it is not in the pool: it is in use, or closed
     */
    static boolean takeFromPool(ConnectionPool pool, HttpConnection connection) throws Throwable {
        if (POOL_LOCK == null) {
            synchronized (pool) {
                return takeLocked(pool, connection);
            }
        }
        ReentrantLock lock = (ReentrantLock) POOL_LOCK.invokeExact(pool);
        lock.lock();
        try {
            return takeLocked(pool, connection);
        } finally {
            lock.unlock();
        }
    }

    private static boolean takeLocked(ConnectionPool pool, HttpConnection connection) throws Throwable {
        HashMap<?, ?> all = connection.isSecure()
                ? (HashMap<?, ?>) SSL_POOL.invokeExact(pool)
                : (HashMap<?, ?>) PLAIN_POOL.invokeExact(pool);
        Object idle = all.get(connection.cacheKey());
        if (!(idle instanceof LinkedList) || !((LinkedList<?>) idle).remove(connection)) {
            return false;
        }
        EXPIRY_REMOVE.invokeExact((Object) EXPIRY_LIST.invokeExact(pool), connection);
        return true;
    }
}
