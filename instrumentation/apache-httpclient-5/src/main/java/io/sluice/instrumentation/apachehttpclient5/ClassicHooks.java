package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.io.LeaseRequest;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.ProtocolVersion;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** What the advice on the classic connection managers calls. Thread-safe. */
public final class ClassicHooks {
    private static final WeakMap<HttpClientConnectionManager, ManagerState> MANAGERS = new WeakMap<>();
    /** By what the client keeps a connection in: a pool's entry, or the basic manager's connection. */
    private static final WeakMap<Object, Handle> HANDLES = new WeakMap<>();
    /** An endpoint is made for one exchange. */
    static final Exchanges EXCHANGES = new Exchanges();

    private ClassicHooks() {}

    /**
     * An exchange asks a manager for an endpoint. Does not wait.
     *
     * @param owner the manager
     * @param pool its pool; null in a manager of a single connection
     * @return the request that is to be waited on; null: the manager goes on by itself
     */
    public static @Nullable LeaseRequest lease(
            HttpClientConnectionManager owner,
            @Nullable ManagedConnPool<HttpRoute, ManagedHttpClientConnection> pool,
            @Nullable AtomicBoolean closed,
            @Nullable String id,
            @Nullable HttpRoute route,
            @Nullable Timeout timeout,
            @Nullable Object state) {
        // A closed manager throws by itself. Null is what a test's mock has.
        if (GatedLeaseRequest.inHand() != null || route == null || closed == null || closed.get()) {
            return null;
        }
        Ask ask = Routes.ask(route);
        if (ask == null) {
            return null;
        }
        if (pool != null) {
            int maxPerRoute = pool.getMaxPerRoute(route);
            ask = ask.from(
                    ConnectionGate.pool(pool, pool.getMaxTotal()), maxPerRoute > 0 ? maxPerRoute : Limits.UNLIMITED);
        }
        ManagerState manager = MANAGERS.get(owner);
        if (manager == null) {
            manager = MANAGERS.putIfAbsent(owner, new ManagerState(closed));
        }
        Lease lease = ConnectionGate.ask(ask);
        if (lease == null) {
            return null;
        }
        if (lease.isPending()) {
            manager.waits(lease);
        }
        return new GatedLeaseRequest(owner, pool, manager, id, route, timeout, state, lease);
    }

    /** A manager is closed. */
    public static void closed(HttpClientConnectionManager manager) {
        ManagerState state = MANAGERS.get(manager);
        if (state != null) {
            state.cancelWaiters();
        }
    }

    /** A pool gave an entry to the calling thread. */
    public static void acquiredPooled(
            ConnectionEndpoint endpoint, @Nullable PoolEntry<HttpRoute, ManagedHttpClientConnection> entry) {
        GatedLeaseRequest request = GatedLeaseRequest.inHand();
        if (request == null || entry == null) {
            return;
        }
        Handle handle = HANDLES.get(entry);
        acquired(endpoint, request, handle != null ? handle : HANDLES.putIfAbsent(entry, request.handle(entry)));
    }

    /** A manager of a single connection gave it to the calling thread. */
    public static void acquiredBasic(ConnectionEndpoint endpoint, @Nullable ManagedHttpClientConnection connection) {
        GatedLeaseRequest request = GatedLeaseRequest.inHand();
        if (request == null || connection == null) {
            return;
        }
        Handle handle = HANDLES.get(connection);
        acquired(
                endpoint,
                request,
                handle != null ? handle : HANDLES.putIfAbsent(connection, request.handle(connection)));
    }

    private static void acquired(ConnectionEndpoint endpoint, GatedLeaseRequest request, Handle handle) {
        Lease lease = request.tie();
        if (lease.isHeld()) {
            handle.usedBy(lease);
            EXCHANGES.put(endpoint, new ClassicExchange(lease, handle));
        }
    }

    /**
     * An endpoint may have to be connected. Parks until there is room for a connection.
     *
     * @return for {@link #connected}; null: nothing is to be opened, or nobody counts it
     */
    public static @Nullable Object connecting(ConnectionEndpoint endpoint) {
        ClassicExchange exchange = EXCHANGES.get(endpoint);
        if (exchange == null || isConnected(endpoint)) {
            return null;
        }
        Connection connection = ConnectionGate.open(exchange.lease, false);
        return connection == null ? null : new Opening(exchange, connection, Sockets.beginOpening(connection));
    }

    /** The endpoint is connected, or could not be. */
    public static void connected(Object begun, ConnectionEndpoint endpoint, @Nullable Throwable thrown) {
        Opening opening = (Opening) begun;
        Sockets.endOpening(opening.before);
        if (thrown == null && isConnected(endpoint)) {
            opening.exchange.handle.opened(opening.connection);
            return;
        }
        try {
            if (thrown != null) {
                // A failed handshake leaves the socket to whoever closes the endpoint; the client does so in a moment.
                endpoint.close(CloseMode.IMMEDIATE);
            }
        } finally {
            opening.connection.closed();
        }
    }

    /** An endpoint that was released meanwhile, by a cancel, throws when it is asked. */
    private static boolean isConnected(ConnectionEndpoint endpoint) {
        try {
            return endpoint.isConnected();
        } catch (IllegalStateException released) {
            return false;
        }
    }

    /** The head of a response was read from this endpoint. */
    public static void answered(
            ConnectionEndpoint endpoint, @Nullable ClassicHttpRequest request, @Nullable ClassicHttpResponse response) {
        ClassicExchange exchange = EXCHANGES.get(endpoint);
        Connection connection = exchange == null ? null : exchange.lease.connection();
        // The answer to CONNECT is the proxy's own and says nothing of the server.
        if (connection == null || request == null || response == null || "CONNECT".equals(request.getMethod())) {
            return;
        }
        ProtocolVersion version = response.getVersion();
        if (version != null) {
            connection.answered(version.lessEquals(HttpVersion.HTTP_1_0));
        }
    }

    /**
     * An endpoint goes back to its manager.
     *
     * @return for {@link #released}; null where we do not know it
     */
    public static @Nullable Object releasing(ConnectionEndpoint endpoint) {
        return EXCHANGES.remove(endpoint);
    }

    /** The endpoint went back, or could not: either way the exchange is over. */
    public static void released(Object ended) {
        Lease lease = ((ClassicExchange) ended).lease;
        try {
            Connection connection = lease.connection();
            if (connection != null) {
                connection.idle(lease);
            }
        } finally {
            ConnectionGate.release(lease);
        }
    }

    /** A connection that is about to be opened. */
    private static final class Opening {
        final ClassicExchange exchange;
        final Connection connection;
        final @Nullable Connection before;

        Opening(ClassicExchange exchange, Connection connection, @Nullable Connection before) {
            this.exchange = exchange;
            this.connection = connection;
            this.before = before;
        }
    }
}
