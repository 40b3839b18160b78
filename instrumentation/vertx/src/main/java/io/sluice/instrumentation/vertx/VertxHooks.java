package io.sluice.instrumentation.vertx;

import io.netty.handler.codec.http.HttpResponse;
import io.vertx.core.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/** What the advice calls in Vert.x 4.1 and later. No method blocks; any thread. */
public final class VertxHooks {
    private static final io.netty.handler.codec.http.HttpVersion NETTY_HTTP_1_0 =
            io.netty.handler.codec.http.HttpVersion.HTTP_1_0;

    private VertxHooks() {}

    /** Enter advice of {@code SimpleConnectionPool.acquire}: whom the pool is to tell; null: it is not to be asked yet. */
    public static @Nullable Object acquiring(
            Object clientPool, Object context, Object listener, int kind, Object handler) throws Throwable {
        return Exchange.asking(clientPool, context, listener, kind, handler);
    }

    /** Exit advice of the constructor of {@code PoolWaiter}. */
    public static void waiterMade(Object waiter, @Nullable Object handler) {
        Exchange.waiterMade(waiter, handler);
    }

    /** Enter advice of {@code SimpleConnectionPool.cancel}: the waiter to cancel; null: none. */
    public static @Nullable Object cancelling(Object waiter, Object handler) throws Throwable {
        return Exchange.cancelling(waiter, handler);
    }

    /** Exit advice of {@code SimpleConnectionPool$Cancel.run}. */
    public static void cancelled(@Nullable Object waiter) {
        Exchange exchange = Exchange.ofWaiter(waiter);
        if (exchange != null) {
            exchange.cancelledInPool();
        }
    }

    /** Exit advice of {@code SimpleConnectionPool.recycle}. */
    public static void recycled(Object clientLease) {
        PooledConnection.recycled(clientLease);
    }

    /** Exit advice of {@code SimpleConnectionPool.close}. */
    public static void closing(Object clientPool) {
        ClientPool.closing(clientPool);
    }

    /** Exit advice of {@code SimpleConnectionPool.setConcurrency}: the server has said how many streams it takes. */
    public static void concurrencyChanged(Object clientPool) {
        ClientPool pool = ClientPool.of(clientPool);
        if (pool != null) {
            pool.sendAlong();
        }
    }

    /** Exit advice of {@code Endpoint.close}. */
    public static void endpointClosed(Object endpoint) throws Throwable {
        ClientPool.endpointClosed(endpoint);
        Vertx3Exchange.endpointClosed(endpoint);
    }

    /** Enter advice of {@code SimpleConnectionPool.connect}. */
    public static void poolConnects(Object slot, Object waiter) {
        PoolOpening.poolConnects(slot, waiter);
    }

    /** Exit advice of the same. */
    public static void poolConnected() {
        PoolOpening.poolConnected();
    }

    /** Enter advice of {@code HttpChannelConnector.httpConnect(context, handler)}: the handler; null: not yet. */
    public static @Nullable Object connecting(Object connector, Object context, Object handler) throws Throwable {
        return PoolOpening.connecting(connector, context, handler);
    }

    /** Enter advice of connects that return a future. */
    public static @Nullable Object connectingForFuture(Object connector, Object[] arguments) throws Throwable {
        return PoolOpening.connectingForFuture(connector, arguments);
    }

    /** Exit advice of the same: what is to be returned. */
    public static @Nullable Object connected(@Nullable Object entered, @Nullable Object result) {
        if (entered instanceof Opening) {
            ((Opening) entered).connected(result);
            return result;
        }
        return entered == null ? result : entered;
    }

    /** Exit advice of the constructor of {@code EndpointKey}. */
    public static void keyed(Object[] arguments) {
        Targets.keyed(arguments);
    }

    /** Enter advice of {@code handleResponseBegin} of an HTTP/1.x connection: its status line was parsed. */
    public static void answered(Object client, Object[] arguments) throws Throwable {
        PooledConnection pooled = PooledConnection.of(client);
        if (pooled == null) {
            return;
        }
        for (Object argument : arguments) {
            if (argument instanceof HttpVersion) { // since Vert.x 5.1
                pooled.connection().answered(argument == HttpVersion.HTTP_1_0);
                return;
            }
            if (argument instanceof HttpResponse) { // up to Vert.x 3
                HttpResponse response = (HttpResponse) argument;
                pooled.connection().answered(response.protocolVersion().equals(NETTY_HTTP_1_0));
                return;
            }
        }
        pooled.connection().answered(Reflect.field(arguments[1], "version") == HttpVersion.HTTP_1_0);
    }

    // ---- Vert.x 3.9 and 4.0 -----------------------------------------------------------------------------------------

    /** Enter advice of {@code ConnectionManager.getConnection}: the handler; null: not yet. */
    public static @Nullable Object asking(Object manager, Object[] arguments) throws Throwable {
        return Vertx3Exchange.asking(manager, arguments);
    }

    /** Exit advice of the same. */
    public static void asked() {
        Vertx3Exchange.asked();
    }

    /** Enter advice of {@code Pool.getConnection}. */
    public static void entering(Object clientPool) {
        Vertx3Exchange.entering(clientPool);
    }

    /** Exit advice of the same, if it did not take the waiter. */
    public static void turnedAway() {
        Vertx3Exchange.turnedAway();
    }

    /** Enter advice of {@code ClientHttpStreamEndpoint.requestConnection2}: the handler; null: not yet. */
    public static @Nullable Object askingPool(Object clientPool, Object context, Object handler) throws Throwable {
        return Vertx3Exchange.askingPool(clientPool, context, handler);
    }

    /** Exit advice of {@code Pool.Holder.onRecycle}. */
    public static void holderRecycled(@Nullable Object client) {
        Vertx3Exchange.recycled(client);
    }

    /** Exit advice of {@code Lease.recycle}. */
    public static void leaseRecycled(Object clientLease) throws Throwable {
        Vertx3Exchange.recycled(Vertx3Exchange.connectionOf(clientLease));
    }

    /** Exit advice of {@code Pool.Holder.onConcurrencyChange}: the server has said how many streams it takes. */
    public static void concurrencyChanged3(@Nullable Object client) {
        PooledConnection connection = PooledConnection.of(client);
        if (connection != null) {
            connection.sendAlong();
        }
    }

    /** Enter advice of {@code HttpChannelConnector.connect}: the handler; null: not yet. */
    public static @Nullable Object connecting3(Object connector, Object holder, Object context, Object handler)
            throws Throwable {
        return Vertx3Opening.connecting(connector, holder, context, handler);
    }

    /** Enter and exit advice of {@code HttpClientRequestImpl.connect}, 4.0 {@code request}; the exit gives null. */
    public static void requesting(@Nullable Object request) {
        Vertx3Exchange.requesting(request);
    }

    /** Enter advice of {@code HttpClientRequestImpl.reset}: the cause with which it is to go on. */
    public static Throwable resetting(Object request, Throwable cause) {
        return Vertx3Exchange.resetting(request, cause);
    }

    /** Enter advice of what fails the promise of a request that was not made in time. */
    public static void timingOut(Object promise) {
        Vertx3Exchange.timingOut(promise);
    }
}
