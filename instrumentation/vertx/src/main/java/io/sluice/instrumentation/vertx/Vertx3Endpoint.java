package io.sluice.instrumentation.vertx;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.net.SocketAddress;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A server as a {@code ConnectionManager} of Vert.x 3 knows it. Its pools come and go, this stays as long as the manager.
 * Thread-safe; nothing blocks.
 */
final class Vertx3Endpoint extends Sharing {
    private static final WeakMap<Object, ConcurrentHashMap<String, Vertx3Endpoint>> ALL = new WeakMap<>();

    final Ask ask;
    private final int maxSize;
    private final int maxWaiters;

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
        ConcurrentHashMap<String, Vertx3Endpoint> ofManager = ALL.get(manager);
        if (ofManager == null) {
            ofManager = ALL.putIfAbsent(manager, new ConcurrentHashMap<>());
        }
        String key = ssl + " " + peer.host() + " " + peer.port() + " " + server.host() + " " + server.port();
        Vertx3Endpoint known = ofManager.get(key);
        if (known == null) {
            known = make(manager, peer, server, ssl);
            Vertx3Endpoint before = ofManager.putIfAbsent(key, known);
            known = before == null ? known : before;
        }
        return known;
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

    /** Whether the pool would turn one more away: as many as it may open do not count as waiting. */
    boolean turnsAway() {
        return maxWaiters >= 0 && waitingCount() >= maxWaiters + maxSize;
    }

    int maxWaiters() {
        return maxWaiters;
    }
}
