package jdk.internal.net.http;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** As {@link SluiceInternals}, for HTTP/2: what is missing here leaves HTTP/1.1 alone. Thread-safe. */
final class SluiceHttp2Internals {
    private static final MethodHandle H2_CONNECTIONS;
    private static final MethodHandle H2_STREAMS;
    private static final MethodHandle H2_RESERVED;
    /** A lock since 21, null before: there the connection's monitor is its lock. */
    private static final @Nullable MethodHandle H2_LOCK;

    private static final MethodHandle H2_KEY;
    /** Before 11.0.25, {@code keyFor} took address and proxy instead of the request. */
    private static final boolean H2_KEY_OF_REQUEST;

    static {
        try {
            Lookup here = MethodHandles.lookup();
            Lookup h2 = MethodHandles.privateLookupIn(Http2Connection.class, here);
            H2_CONNECTIONS = MethodHandles.privateLookupIn(Http2ClientImpl.class, here)
                    .findGetter(Http2ClientImpl.class, "connections", Map.class);
            H2_STREAMS = h2.unreflectGetter(Http2Connection.class.getDeclaredField("streams"))
                    .asType(MethodType.methodType(Map.class, Http2Connection.class));
            H2_RESERVED = h2.findGetter(Http2Connection.class, "numReservedClientStreams", int.class);
            H2_LOCK = SluiceInternals.lock(h2, Http2Connection.class);
            MethodHandle ofRequest = ofRequest(h2);
            H2_KEY_OF_REQUEST = ofRequest != null;
            H2_KEY = ofRequest != null
                    ? ofRequest
                    : h2.findStatic(
                            Http2Connection.class,
                            "keyFor",
                            MethodType.methodType(String.class, URI.class, InetSocketAddress.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private SluiceHttp2Internals() {}

    private static @Nullable MethodHandle ofRequest(Lookup h2) throws IllegalAccessException {
        try {
            MethodType ofRequest = MethodType.methodType(String.class, HttpRequestImpl.class);
            return h2.findStatic(Http2Connection.class, "keyFor", ofRequest);
        } catch (NoSuchMethodException older) {
            return null;
        }
    }

    /** The pooled HTTP/2 connection that the client would use for a request, or null. */
    static @Nullable Http2Connection pooled(Http2ClientImpl client, String key) throws Throwable {
        return (Http2Connection) ((Map<?, ?>) H2_CONNECTIONS.invokeExact(client)).get(key);
    }

    /** The key under which the client pools HTTP/2 connections. */
    static String key(HttpRequestImpl request) throws Throwable {
        return H2_KEY_OF_REQUEST
                ? (String) H2_KEY.invokeExact(request)
                : (String) H2_KEY.invokeExact(request.uri(), request.proxy());
    }

    /** Takes a connection out of its client's pool of HTTP/2 connections. */
    static void unpool(Http2Connection connection) throws Throwable {
        Http2ClientImpl client = connection.client().client2();
        ((Map<?, ?>) H2_CONNECTIONS.invokeExact(client)).remove(connection.key(), connection);
    }

    /** Whether a stream is open. */
    static boolean hasStreams(Http2Connection connection) throws Throwable {
        // Not isEmpty(): a concurrent map's count may say zero for a moment while others add and remove theirs.
        return ((Map<?, ?>) H2_STREAMS.invokeExact(connection))
                .values()
                .iterator()
                .hasNext();
    }

    /** How many streams are open or about to be. */
    static int reserved(Http2Connection connection) throws Throwable {
        if (H2_LOCK == null) {
            synchronized (connection) {
                return (int) H2_RESERVED.invokeExact(connection);
            }
        }
        ReentrantLock lock = (ReentrantLock) H2_LOCK.invokeExact(connection);
        lock.lock();
        try {
            return (int) H2_RESERVED.invokeExact(connection);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Keeps a connection from taking further streams, under its own lock, unless it has some.
     *
     * @param lost how many reservations were lost, see {@link SluiceHttp2}
     * @return false if it has streams
     */
    static boolean retire(Http2Connection connection, int lost) throws Throwable {
        if (H2_LOCK == null) {
            synchronized (connection) {
                return retireLocked(connection, lost);
            }
        }
        ReentrantLock lock = (ReentrantLock) H2_LOCK.invokeExact(connection);
        lock.lock();
        try {
            return retireLocked(connection, lost);
        } finally {
            lock.unlock();
        }
    }

    private static boolean retireLocked(Http2Connection connection, int lost) throws Throwable {
        if (hasStreams(connection) || (int) H2_RESERVED.invokeExact(connection) > lost) {
            return false;
        }
        connection.setFinalStream();
        return true;
    }
}
