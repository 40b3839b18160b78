package io.sluice.instrumentation.jettyclient;

import java.io.Closeable;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import java.nio.channels.SelectableChannel;
import java.util.Queue;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.HttpProxy;
import org.eclipse.jetty.client.Origin;
import org.eclipse.jetty.client.ProxyConfiguration;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/**
 * The client's types that have not the same name in all versions: with 12, destinations and exchanges moved to the package
 * {@code transport}, and the public API out of the package {@code api}. Their public methods are found by name; a method
 * that is missing makes this class fail to load, and the client goes on unlimited. Stateless.
 */
final class JettyTypes {
    /** The client's package. */
    static final String CLIENT = HttpClient.class.getPackage().getName() + ".";

    private static final Class<?> DESTINATION = transport("HttpDestination");
    private static final Class<?> EXCHANGE = transport("HttpExchange");
    private static final Class<?> REQUEST = transport("HttpRequest");
    private static final Class<?> RESPONSE = transport("HttpResponse");

    private static final MethodHandle CLIENT_OF = method(DESTINATION, "getHttpClient");
    private static final MethodHandle ORIGIN_OF = method(DESTINATION, "getOrigin");
    private static final MethodHandle PROXY_OF = method(DESTINATION, "getProxy");
    private static final MethodHandle QUEUE_OF = method(DESTINATION, "getHttpExchanges");
    private static final MethodHandle POOL_OF = method(DESTINATION, "getConnectionPool");
    private static final MethodHandle SEND = method(DESTINATION, "send");
    private static final MethodHandle NEW_CONNECTION = method(DESTINATION, "newConnection", Promise.class);
    private static final MethodHandle REMOVE = method(
            DESTINATION,
            "remove",
            REQUEST.getName().startsWith(CLIENT + "transport.") ? named("Connection") : named("api.Connection"));
    private static final MethodHandle REQUEST_OF = method(EXCHANGE, "getRequest");
    private static final MethodHandle RESPONSE_OF = method(EXCHANGE, "getResponse");
    private static final MethodHandle ABORT = method(REQUEST, "abort", Throwable.class);
    private static final MethodHandle ABORT_CAUSE = method(REQUEST, "getAbortCause");
    private static final MethodHandle VERSION_OF = method(RESPONSE, "getVersion");

    private JettyTypes() {}

    private static Class<?> transport(String name) {
        try {
            return Class.forName(CLIENT + "transport." + name, false, JettyTypes.class.getClassLoader());
        } catch (ClassNotFoundException before12) {
            return named(name);
        }
    }

    private static Class<?> named(String name) {
        try {
            return Class.forName(CLIENT + name, false, JettyTypes.class.getClassLoader());
        } catch (ClassNotFoundException unknown) {
            throw new IllegalStateException(unknown);
        }
    }

    private static MethodHandle method(Class<?> type, String name, Class<?>... parameters) {
        try {
            MethodHandle handle = MethodHandles.publicLookup().unreflect(type.getMethod(name, parameters));
            return handle.asType(handle.type().generic());
        } catch (ReflectiveOperationException unknown) {
            throw new IllegalStateException(unknown);
        }
    }

    private static @Nullable Object call(MethodHandle method, Object self) {
        try {
            return method.invoke(self);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static void call(MethodHandle method, Object self, Object argument) {
        try {
            method.invoke(self, argument);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    static @Nullable HttpClient client(Object destination) {
        return (HttpClient) call(CLIENT_OF, destination);
    }

    static @Nullable Origin origin(Object destination) {
        return (Origin) call(ORIGIN_OF, destination);
    }

    static ProxyConfiguration.@Nullable Proxy proxy(Object destination) {
        return (ProxyConfiguration.Proxy) call(PROXY_OF, destination);
    }

    static @Nullable Object pool(Object destination) {
        return call(POOL_OF, destination);
    }

    /** Our queue of this destination, or null where it has none. */
    static @Nullable ExchangeQueue queue(Object destination) {
        Queue<?> queue = (Queue<?>) call(QUEUE_OF, destination);
        return queue instanceof ExchangeQueue ? (ExchangeQueue) queue : null;
    }

    /** Sends what is ready in the destination's queue, as the client itself does after a change. */
    static void send(Object destination) {
        call(SEND, destination);
    }

    static void newConnection(Object destination, Promise<Object> promise) {
        call(NEW_CONNECTION, destination, promise);
    }

    /** Takes a connection that is closed already out of its pool. */
    static void remove(Object destination, Object connection) {
        call(REMOVE, destination, connection);
    }

    /** Ends an exchange as the program would by {@code Request.abort}. */
    static void abort(Object exchange, Throwable cause) {
        Object request = call(REQUEST_OF, exchange);
        if (request != null) {
            call(ABORT, request, cause);
        }
    }

    static boolean isAborted(Object exchange) {
        Object request = call(REQUEST_OF, exchange);
        return request != null && call(ABORT_CAUSE, request) != null;
    }

    /** Whether the status line of the response said HTTP/1.0 or less. */
    static boolean isHttp10(Object exchange) {
        Object response = call(RESPONSE_OF, exchange);
        Object version = response == null ? null : call(VERSION_OF, response);
        return version != null
                && (version.toString().equals("HTTP/1.0") || version.toString().equals("HTTP/0.9"));
    }

    /** Whether requests to this origin go through a CONNECT tunnel. */
    static boolean isTunnelled(HttpProxy proxy, Origin origin) {
        if ("https".equalsIgnoreCase(origin.getScheme()) || "wss".equalsIgnoreCase(origin.getScheme())) {
            return true;
        }
        try {
            return (Boolean)
                    proxy.getClass().getMethod("requiresTunnel", Origin.class).invoke(proxy, origin);
        } catch (ReflectiveOperationException before12) {
            return false; // there clear text through a tunnel happens with HTTP/2 alone
        }
    }

    /**
     * Closes an idle connection at once. With HTTP/2 the client only says goodbye, and the server decides when the connection
     * ends; without streams nobody minds if we do.
     */
    static void close(Object connection) throws IOException {
        ((Closeable) connection).close();
        Object place = endPoint(connection);
        if (place instanceof EndPoint && isMultiplexed(connection)) {
            ((EndPoint) place).close();
        }
    }

    private static @Nullable Object endPoint(Object connection) {
        if (connection instanceof org.eclipse.jetty.io.Connection) {
            return ((org.eclipse.jetty.io.Connection) connection).getEndPoint();
        }
        Object session = get(connection, "getSession"); // HTTP/2
        return session == null ? null : get(session, "getEndPoint");
    }

    /** The channel under a connection of the client, or null where there is none or it is not shown. */
    static @Nullable SelectableChannel channel(Object connection) {
        Object place = endPoint(connection);
        while (place instanceof EndPoint) {
            place = ((EndPoint) place).getTransport();
        }
        return place instanceof SelectableChannel ? (SelectableChannel) place : null;
    }

    private static @Nullable Object get(Object from, String getter) {
        try {
            return from.getClass().getMethod(getter).invoke(from);
        } catch (IllegalAccessException | NoSuchMethodException | InvocationTargetException notShown) {
            return null;
        }
    }

    /**
     * Whether one more exchange may go on an HTTP/2 connection with so many. Later versions look after that themselves, early
     * ones fail the exchange; these count a stream a moment longer than its exchange lasts, so that half of them are used.
     */
    static boolean hasStream(Object connection, int exchanges) {
        if (exchanges < 2 || get(connection, "getMaxMultiplex") != null) {
            return true;
        }
        Object session = get(connection, "getSession");
        Object streams = session == null ? null : get(session, "getMaxLocalStreams");
        return !(streams instanceof Integer) || (Integer) streams < 0 || exchanges < (Integer) streams / 2;
    }

    /** Whether a connection carries several exchanges at once: HTTP/2 and HTTP/3. */
    static boolean isMultiplexed(Object connection) {
        for (Class<?> type = connection.getClass(); type != null; type = type.getSuperclass()) {
            String name = type.getSimpleName();
            if (name.equals("HttpConnectionOverHTTP2") || name.equals("HttpConnectionOverHTTP3")) {
                return true;
            }
        }
        return false;
    }
}
