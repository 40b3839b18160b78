package jdk.internal.net.http;

import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.net.http.HttpHeaders;
import java.nio.channels.Channel;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The client's TCP connections. Each is known by its channel, which exists before it is connected, and outlives an upgrade
 * to HTTP/2 or to a WebSocket. Thread-safe; nothing here blocks on the network.
 */
public final class SluiceConnections {
    private static final ConnectionOwner OWNER = owner();
    private static final WeakReference<ConnectionOwner> OWNER_REFERENCE = new WeakReference<>(OWNER);

    /** Channels whose newest response began with HTTP/1.0. */
    private static final WeakMap<Channel, Boolean> HTTP10 = new WeakMap<>();

    private SluiceConnections() {}

    /** The limiter's connection behind one of the client's, or null where it is not counted. */
    static @Nullable Connection of(@Nullable HttpConnection connection) {
        return connection == null ? null : Sockets.of(SluiceInternals.channel(connection));
    }

    /** Tells the limiter where the client keeps this connection: an {@link HttpConnection} or {@link Http2Connection}. */
    static void keptIn(Connection connection, Object handle) {
        connection.ownedBy(OWNER_REFERENCE, handle);
    }

    /**
     * Exit advice of {@code HttpConnection.getConnection}: the client has taken a connection from its pool, or made one
     * that is not connected yet. It takes over the exchange's lease. Never blocks.
     *
     * @param arguments those of {@code getConnection}; their number differs between versions
     */
    public static void found(Object[] arguments, @Nullable Object connectionObject) {
        if (!(connectionObject instanceof HttpConnection)) {
            return;
        }
        HttpConnection connection = (HttpConnection) connectionObject;
        Lease lease = SluiceExchanges.takeLease();
        if (lease == null) {
            if (of(connection) == null) {
                SluiceOpening.begin(connection, request(arguments));
            }
            return;
        }
        try {
            bind(connection, lease);
        } catch (Throwable fault) {
            lease.release();
            throw fault;
        }
    }

    private static void bind(HttpConnection connection, Lease lease) {
        Connection known = of(connection);
        if (known == null) {
            SluiceOpening.begin(connection, lease);
        } else if (!known.use(lease)) {
            lease.release(); // it was closed in the pool; the client will notice and ask again
        }
    }

    private static @Nullable HttpRequestImpl request(Object[] arguments) {
        for (Object argument : arguments) {
            if (argument instanceof HttpRequestImpl) {
                return (HttpRequestImpl) argument;
            }
        }
        return null;
    }

    /** Enter advice of {@code ConnectionPool.returnToPool}: the lease of the exchange that is over, or null. */
    public static @Nullable Object returning(Object connection) {
        Connection known = of((HttpConnection) connection);
        return known == null ? null : known.lease();
    }

    /** Exit advice of {@code ConnectionPool.returnToPool}; another exchange may use the connection already. */
    public static void returned(Object connection, @Nullable Object leaseObject) {
        if (leaseObject instanceof Lease) {
            Lease lease = (Lease) leaseObject;
            Connection known = of((HttpConnection) connection);
            if (known != null) {
                known.idle(lease);
            }
            lease.release();
        }
    }

    /** Enter advice of {@code Http1Response.advance}: tells the version once a response's header is complete. */
    public static void advancing(Object responseObject, Object from) throws Throwable {
        if (from != Http1Response.State.READING_HEADERS) {
            return;
        }
        Http1Response<?> response = (Http1Response<?>) responseObject;
        String statusLine = SluiceInternals.statusLine(response);
        HttpConnection connection = SluiceInternals.connection(response);
        Connection known = of(connection);
        if (statusLine == null
                || known == null
                || SluiceInternals.request(response).isConnect()) {
            return; // the answer to CONNECT is the proxy's own
        }
        boolean http10 = statusLine.startsWith("HTTP/1.0");
        if (http10) {
            HTTP10.put(SluiceInternals.channel(connection), Boolean.TRUE);
        } else {
            HTTP10.remove(SluiceInternals.channel(connection));
        }
        known.answered(http10);
    }

    /**
     * Enter advice of {@code HttpConnection.closeOrReturnToCache(HttpHeaders)}. The client keeps a connection unless the
     * response says {@code close}; but with HTTP/1.0 it persists only if the response says {@code keep-alive} (RFC 9112
     * section 9.3), and a waiter would get one that is about to be closed.
     *
     * @return the headers by which the client decides; null makes it close the connection
     */
    public static @Nullable HttpHeaders keepable(Object connectionObject, @Nullable HttpHeaders headers) {
        HttpConnection connection = (HttpConnection) connectionObject;
        if (headers == null || HTTP10.get(SluiceInternals.channel(connection)) == null) {
            return headers;
        }
        return saysKeepAlive(headers.allValues("Connection")) || saysKeepAlive(headers.allValues("Proxy-Connection"))
                ? headers
                : null;
    }

    private static boolean saysKeepAlive(List<String> values) {
        for (String value : values) {
            for (String token : value.split(",")) {
                if (token.trim().toLowerCase(Locale.ROOT).equals("keep-alive")) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * A class of this module cannot implement the limiter's interface when it is defined: the module reads the bootstrap
     * loader's unnamed module only after the JVM has transformed the first of its classes, and the helpers are there
     * before (JVM TI, ClassFileLoadHook).
     */
    private static ConnectionOwner owner() {
        return (ConnectionOwner) Proxy.newProxyInstance(
                ConnectionOwner.class.getClassLoader(),
                new Class<?>[] {ConnectionOwner.class},
                (proxy, method, arguments) -> asked(proxy, method.getName(), arguments));
    }

    private static @Nullable Object asked(Object proxy, String method, Object @Nullable [] arguments) throws Exception {
        if (arguments == null || arguments.length != 1) {
            return method.equals("hashCode") ? System.identityHashCode(proxy) : "java-http-client";
        }
        Object handle = arguments[0];
        try {
            switch (method) {
                case "evict":
                    return evict(handle);
                case "finish":
                    // The client reads an HTTP/1.1 body only as the program asks for it; there is nothing to finish.
                    return handle instanceof Http2Connection && SluiceHttp2.finish((Http2Connection) handle);
                default:
                    return handle == proxy; // equals
            }
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable fault) {
            throw new IllegalStateException(fault);
        }
    }

    /** Closes a connection that lies in the client's pool, or an HTTP/2 connection without streams. */
    private static boolean evict(Object handle) throws Throwable {
        if (handle instanceof Http2Connection) {
            return SluiceHttp2.evict((Http2Connection) handle);
        }
        HttpConnection connection = (HttpConnection) handle;
        if (!SluiceInternals.takeFromPool(connection.client().connectionPool(), connection)) {
            return false;
        }
        connection.close();
        return true;
    }
}
