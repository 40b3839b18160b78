package io.sluice.instrumentation.vertx;

import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Where a connector of Vert.x connects to. The socket's own address counts, not the request's authority, as with {@code
 * RequestOptions.setServer} they differ. Thread-safe; no method blocks.
 */
public final class Targets {
    static final String CLIENT = "vertx";

    /** Addresses that are those of a proxy to which requests are sent in absolute form. */
    private static final WeakMap<SocketAddress, Boolean> PLAIN_PROXIES = new WeakMap<>();

    private Targets() {}

    /**
     * Exit advice of the constructor of {@code EndpointKey}: up to Vert.x 5.1 only this knows a plain proxy. Its address
     * then goes on, as the very same object, to the connector.
     */
    public static void keyed(@Nullable Object[] arguments) {
        SocketAddress server = null;
        ProxyOptions proxy = null;
        for (Object argument : arguments) {
            if (argument instanceof SocketAddress && server == null) {
                server = (SocketAddress) argument;
            } else if (argument instanceof ProxyOptions) {
                proxy = (ProxyOptions) argument;
            }
        }
        if (server != null && Boolean.FALSE.equals(arguments[0]) && isAddressOf(proxy, server)) {
            PLAIN_PROXIES.put(server, Boolean.TRUE);
        }
    }

    /** What the connections of a {@code HttpChannelConnector} ask for; null for what is no TCP connection. */
    static @Nullable Ask ofConnector(Object connector) throws ReflectiveOperationException {
        Object server = Reflect.field(connector, "server");
        ProxyOptions proxy;
        boolean ssl;
        try {
            proxy = (ProxyOptions) Reflect.field(connector, "proxyOptions");
            ssl = Boolean.TRUE.equals(Reflect.field(connector, "ssl"));
        } catch (NoSuchFieldException in40) {
            ssl = Reflect.field(connector, "sslHelper") != null;
            proxy = ssl ? ((HttpClientOptions) Reflect.required(connector, "options")).getProxyOptions() : null;
        }
        boolean plain = PLAIN_PROXIES.get((SocketAddress) server) != null
                || (!ssl && proxy == null && isClientsProxy(connector, (SocketAddress) server));
        Object origin = plain ? origin(connector) : server;
        return of((SocketAddress) server, origin, ssl, proxy, plain);
    }

    /**
     * Up to Vert.x 4.2 the key does not know it either: then an address that is not the peer's, but that of the client's own
     * proxy.
     */
    private static boolean isClientsProxy(Object connector, @Nullable SocketAddress server)
            throws ReflectiveOperationException {
        Object options;
        try {
            options = Reflect.field(connector, "options");
        } catch (NoSuchFieldException later) {
            return false;
        }
        if (server == null || !(options instanceof HttpClientOptions) || server.equals(origin(connector))) {
            return false;
        }
        return isAddressOf(((HttpClientOptions) options).getProxyOptions(), server);
    }

    private static boolean isAddressOf(@Nullable ProxyOptions proxy, SocketAddress server) {
        return proxy != null
                && proxy.getType() == ProxyType.HTTP
                && proxy.getPort() == server.port()
                && String.valueOf(proxy.getHost()).equals(server.host());
    }

    private static @Nullable Object origin(Object connector) throws ReflectiveOperationException {
        try {
            return Reflect.field(connector, "peerAddress");
        } catch (NoSuchFieldException since5) {
            return Reflect.field(connector, "authority");
        }
    }

    /**
     * The same since Vert.x 5.1, where a transport is told with every connect.
     *
     * @param params a {@code HttpConnectParams}
     */
    static @Nullable Ask ofParams(@Nullable Object server, @Nullable Object authority, Object params)
            throws ReflectiveOperationException {
        ProxyOptions proxy = (ProxyOptions) Reflect.field(params, "proxyOptions");
        boolean ssl = Boolean.TRUE.equals(Reflect.field(params, "ssl"));
        boolean plain = PLAIN_PROXIES.get((SocketAddress) server) != null;
        try {
            plain |= Boolean.TRUE.equals(Reflect.field(params, "forwardProxy"));
        } catch (NoSuchFieldException before52) {
            // Then the key has told.
        }
        return of((SocketAddress) server, plain ? authority : server, ssl, proxy, plain);
    }

    private static @Nullable Ask of(
            @Nullable SocketAddress server,
            @Nullable Object origin,
            boolean ssl,
            @Nullable ProxyOptions proxy,
            boolean plain)
            throws ReflectiveOperationException {
        if (server == null || server.path() != null || origin == null) {
            return null; // a Unix domain socket
        }
        String scheme = ssl ? "https" : "http";
        if (plain) {
            return Ask.proxied(CLIENT, destination(scheme, origin), Destination.proxy(server.host(), server.port()));
        }
        Destination destination = destination(scheme, origin);
        if (proxy == null || proxy.getType() != ProxyType.HTTP) {
            return Ask.direct(CLIENT, destination);
        }
        return Ask.tunnelled(CLIENT, destination, Destination.proxy(proxy.getHost(), proxy.getPort()));
    }

    /** Of a {@code SocketAddress}, or of a {@code HostAndPort}, which the oldest versions do not have. */
    private static Destination destination(String scheme, Object origin) throws ReflectiveOperationException {
        if (origin instanceof SocketAddress) {
            SocketAddress address = (SocketAddress) origin;
            return Destination.server(scheme, address.host(), address.port());
        }
        try {
            return Destination.server(
                    scheme,
                    String.valueOf(Reflect.call(origin, "host")),
                    Integer.parseInt(String.valueOf(Reflect.call(origin, "port"))));
        } catch (ReflectiveOperationException e) {
            throw e;
        } catch (Throwable unexpected) {
            throw new IllegalStateException(unexpected);
        }
    }
}
