package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.nio.AsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.client5.http.nio.ManagedAsyncClientConnection;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.ProtocolVersion;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.pool.ManagedConnPool;
import org.apache.hc.core5.pool.PoolEntry;
import org.apache.hc.core5.reactor.ConnectionInitiator;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** What the advice on the asynchronous connection manager calls. Thread-safe; no method blocks. */
public final class AsyncHooks {
    private static final WeakMap<AsyncClientConnectionManager, ManagerState> MANAGERS = new WeakMap<>();
    private static final WeakMap<PoolEntry<?, ?>, Handle> HANDLES = new WeakMap<>();
    /** What a pool that shares connections keeps its connections in; weak, as that reaches the manager and so the pool. */
    private static final WeakMap<Object, WeakReference<ManagedConnPool<HttpRoute, ManagedAsyncClientConnection>>>
            INNER = new WeakMap<>();
    /** An endpoint is made for one exchange. */
    static final Exchanges EXCHANGES = new Exchanges();

    private AsyncHooks() {}

    /** A pool that shares connections was made in front of another one. */
    public static void sharing(Object outer, ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> inner) {
        INNER.put(outer, new WeakReference<>(inner));
    }

    /**
     * An exchange asks a manager for an endpoint.
     *
     * @return null: the manager goes on by itself
     */
    public static @Nullable Gated<AsyncConnectionEndpoint> leasing(
            AsyncClientConnectionManager owner,
            @Nullable ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> pool,
            @Nullable AtomicBoolean closed,
            @Nullable String id,
            @Nullable HttpRoute route,
            @Nullable Object state,
            @Nullable Timeout timeout,
            @Nullable FutureCallback<AsyncConnectionEndpoint> callback) {
        // A closed manager throws by itself. Null is what a test's mock has.
        if (LeaseCall.isRepeated() || route == null || pool == null || closed == null || closed.get()) {
            return null;
        }
        Ask ask = Routes.ask(route);
        if (ask == null) {
            return null;
        }
        int maxPerRoute = pool.getMaxPerRoute(route);
        ask = ask.from(ConnectionGate.pool(pool, pool.getMaxTotal()), maxPerRoute > 0 ? maxPerRoute : Limits.UNLIMITED);
        WeakReference<ManagedConnPool<HttpRoute, ManagedAsyncClientConnection>> shared = INNER.get(pool);
        ManagedConnPool<HttpRoute, ManagedAsyncClientConnection> inner = shared == null ? null : shared.get();
        ManagerState manager = MANAGERS.get(owner);
        if (manager == null) {
            manager = MANAGERS.putIfAbsent(owner, new ManagerState(closed, inner != null));
        }
        GatedLease lease = new GatedLease(
                new LeaseCall(owner, inner != null ? inner : pool, id, route, state, timeout), manager, ask, callback);
        return lease.ask() ? lease : null;
    }

    /** An endpoint was made for an entry of a pool. */
    public static void made(
            AsyncConnectionEndpoint endpoint, @Nullable PoolEntry<HttpRoute, ManagedAsyncClientConnection> entry) {
        if (entry != null) {
            EXCHANGES.put(endpoint, new AsyncExchange(entry));
        }
    }

    /**
     * An exchange has got an endpoint.
     *
     * @return false if the exchange has no lease, and nobody else has one for the connection
     */
    static boolean acquired(
            AsyncConnectionEndpoint endpoint, LeaseCall call, ManagerState manager, @Nullable Lease lease) {
        AsyncExchange exchange = EXCHANGES.get(endpoint);
        PoolEntry<HttpRoute, ManagedAsyncClientConnection> entry = exchange == null ? null : exchange.entry.get();
        if (exchange == null || entry == null) {
            ConnectionGate.release(lease); // a manager that makes endpoints of its own
            return true;
        }
        Handle handle = HANDLES.get(entry);
        if (handle == null) {
            handle = HANDLES.putIfAbsent(entry, new PooledHandle(call.pool, manager, entry));
        }
        if (!handle.join(lease)) {
            return false;
        }
        exchange.joined(handle);
        ManagedAsyncClientConnection connection = entry.getConnection();
        ProtocolVersion version = connection == null ? null : connection.getProtocolVersion();
        if (version != null && version.greaterEquals(HttpVersion.HTTP_2)) {
            manager.shares(call.route, call.state, handle);
        }
        return true;
    }

    /**
     * An endpoint may have to be connected.
     *
     * @return null: nothing is to be opened, or nobody counts it
     */
    public static @Nullable GatedConnect<AsyncConnectionEndpoint> connecting(
            AsyncClientConnectionManager manager,
            @Nullable AsyncConnectionEndpoint endpoint,
            @Nullable ConnectionInitiator initiator,
            @Nullable Timeout timeout,
            @Nullable Object attachment,
            @Nullable HttpContext context,
            @Nullable FutureCallback<AsyncConnectionEndpoint> callback) {
        AsyncExchange exchange = ConnectCall.isRepeated() ? null : EXCHANGES.get(endpoint);
        Handle handle = exchange == null ? null : exchange.handle();
        if (exchange == null
                || handle == null
                || endpoint == null
                || initiator == null
                || endpoint.isConnected()
                || exchange.isOver()) {
            return null;
        }
        GatedConnect<AsyncConnectionEndpoint> connect = new GatedConnect<>(
                new ConnectCall(manager, endpoint, initiator, timeout, attachment, context, exchange),
                handle,
                callback);
        if (!connect.ask(handle.lease())) {
            return null;
        }
        exchange.opens(connect);
        return connect;
    }

    /**
     * An endpoint goes back to its manager.
     *
     * @return for {@link #released}; null where we do not know it
     */
    public static @Nullable AsyncExchange releasing(@Nullable AsyncConnectionEndpoint endpoint) {
        return EXCHANGES.remove(endpoint);
    }

    /** The endpoint went back, or could not: either way the exchange is over. */
    public static void released(AsyncExchange ended) {
        ended.end();
    }

    /** A manager is closed. */
    public static void closed(AsyncClientConnectionManager manager) {
        ManagerState state = MANAGERS.get(manager);
        if (state != null) {
            state.cancelWaiters();
        }
    }
}
