package io.sluice.instrumentation.vertx;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.net.SocketAddress;
import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A server as a {@code ConnectionManager} of Vert.x 3 knows it. Its pools come and go, this stays as long as the manager. In
 * Vert.x 4.0 a server as its pool knows it. Thread-safe; nothing blocks.
 */
final class Vertx3Endpoint extends Sharing {
    private static final WeakMap<Object, ConcurrentHashMap<String, Vertx3Endpoint>> ALL = new WeakMap<>();

    final Ask ask;
    private final int maxSize;
    private final int maxWaiters;
    private volatile boolean closed;

    private Vertx3Endpoint(Ask ask, int maxSize, int maxWaiters) {
        this.ask = ask;
        this.maxSize = maxSize;
        this.maxWaiters = maxWaiters;
    }

    /**
     * The endpoint for the arguments of {@code ConnectionManager.getConnection}: context, peer, whether with TLS (up to 3.9.0;
     * then the TLS settings or null), server, handler. Null for what is no TCP connection.
     */
    static @Nullable Vertx3Endpoint of(Object manager, @Nullable Object[] arguments) throws Throwable {
        SocketAddress peer = (SocketAddress) arguments[1];
        Object tls = arguments[2];
        SocketAddress server = (SocketAddress) arguments[3];
        if (peer == null || server == null || server.path() != null) {
            return null;
        }
        boolean ssl = tls instanceof Boolean ? (Boolean) tls : tls != null;
        ConcurrentHashMap<String, Vertx3Endpoint> ofManager = of(manager);
        String key = ssl + " " + peer.host() + " " + peer.port() + " " + server.host() + " " + server.port();
        Vertx3Endpoint known = ofManager.get(key);
        if (known == null) {
            known = make(manager, peer, server, ssl);
            Vertx3Endpoint before = ofManager.putIfAbsent(key, known);
            known = before == null ? known : before;
        }
        return known;
    }

    /** The endpoint of a pool of Vert.x 4.0. Null for what is no TCP connection. */
    static @Nullable Vertx3Endpoint ofPool(Object clientPool) throws ReflectiveOperationException {
        ConcurrentHashMap<String, Vertx3Endpoint> ofPool = of(clientPool);
        Vertx3Endpoint known = ofPool.get("");
        if (known == null) {
            Object connector = Reflect.required(clientPool, "connector");
            if (connector.getClass().getSimpleName().equals("HttpConnectionProvider")) { // since 4.0.3
                connector = Reflect.required(connector, "connector");
            }
            Ask ask = Targets.ofConnector(connector);
            if (ask == null) {
                return null;
            }
            int maxSize = (int) ((Long) Reflect.required(clientPool, "maxWeight")
                    / (Long) Reflect.required(clientPool, "initialWeight"));
            known = new Vertx3Endpoint(ask.from(ConnectionGate.pool(clientPool, 0), maxSize), maxSize, (Integer)
                    Reflect.required(clientPool, "queueMaxSize"));
            Vertx3Endpoint before = ofPool.putIfAbsent("", known);
            known = before == null ? known : before;
        }
        return known;
    }

    private static ConcurrentHashMap<String, Vertx3Endpoint> of(Object owner) {
        ConcurrentHashMap<String, Vertx3Endpoint> known = ALL.get(owner);
        return known == null ? ALL.putIfAbsent(owner, new ConcurrentHashMap<>()) : known;
    }

    private static Vertx3Endpoint make(Object manager, SocketAddress peer, SocketAddress server, boolean ssl)
            throws Throwable {
        Object client = Reflect.required(manager, "client");
        HttpClientOptions options = (HttpClientOptions) Reflect.required(client, "options");
        ProxyOptions proxy = options.getProxyOptions();
        boolean proxied = proxy != null && proxy.getType() == ProxyType.HTTP;
        Ask ask;
        if (proxied
                && !ssl
                && server.port() == proxy.getPort()
                && String.valueOf(proxy.getHost()).equals(server.host())) {
            ask = Ask.proxied(
                    Targets.CLIENT,
                    Destination.server("http", peer.host(), peer.port()),
                    Destination.proxy(server.host(), server.port()));
        } else {
            Destination origin = Destination.server(ssl ? "https" : "http", server.host(), server.port());
            ask = proxied && ssl
                    ? Ask.tunnelled(Targets.CLIENT, origin, Destination.proxy(proxy.getHost(), proxy.getPort()))
                    : Ask.direct(Targets.CLIENT, origin);
        }
        boolean http2 = String.valueOf(Reflect.field(manager, "version")).equals("HTTP_2");
        Object maxPoolSize = Reflect.call(options, http2 ? "getHttp2MaxPoolSize" : "getMaxPoolSize");
        int maxSize = maxPoolSize instanceof Integer ? (Integer) maxPoolSize : 1;
        Object maxWaiters = Reflect.field(manager, "maxWaitQueueSize");
        return new Vertx3Endpoint(
                ask.from(ConnectionGate.pool(manager, 0), maxSize),
                maxSize,
                maxWaiters instanceof Integer ? (Integer) maxWaiters : -1);
    }

    /**
     * Whether the pool would turn one more away: as many as it may open do not count as waiting.
     *
     * @param clientPool null up to Vert.x 3, where nobody knows yet which pool it will be
     */
    boolean turnsAway(@Nullable Object clientPool) throws ReflectiveOperationException {
        return maxWaiters >= 0
                && waitingCount() + (clientPool == null ? 0 : inPool(clientPool)) >= maxWaiters + maxSize;
    }

    /** How many connections a pool has, and how many wait in it for whom it does not connect. */
    private static long inPool(Object clientPool) throws ReflectiveOperationException {
        synchronized (clientPool) {
            return (Long) Reflect.required(clientPool, "weight") / (Long) Reflect.required(clientPool, "initialWeight")
                    + ((Collection<?>) Reflect.required(clientPool, "waitersQueue")).size()
                    - (Long) Reflect.required(clientPool, "connecting");
        }
    }

    /** The client is closed: nobody is to wait any more. */
    void close() {
        closed = true;
    }

    boolean isClosed() {
        return closed;
    }

    int maxWaiters() {
        return maxWaiters;
    }
}
