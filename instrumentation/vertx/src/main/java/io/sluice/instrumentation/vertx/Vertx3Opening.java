package io.sluice.instrumentation.vertx;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import io.vertx.core.AsyncResult;
import org.jspecify.annotations.Nullable;

/**
 * A connection that a pool of Vert.x 3 or 4.0 opens, in 3.9 WebSockets' included. It takes the lease of one of the pool's
 * waiters, which may be taken from it by an exchange that the pool gives another connection meanwhile. Thread-safe; nothing
 * blocks.
 */
final class Vertx3Opening extends Opening {
    private final Object clientPool;
    private final Object holder;
    private final Vertx3Leases leases;
    private @Nullable PooledConnection opened;

    private Vertx3Opening(
            Object connector,
            Object[] arguments,
            Object clientPool,
            Object holder,
            Vertx3Leases leases,
            Object handler) {
        super(connector, "connect", arguments, arguments[1], handler, false);
        this.clientPool = clientPool;
        this.holder = holder;
        this.leases = leases;
    }

    /**
     * Enter advice of {@code HttpChannelConnector.connect}, and of {@code HttpConnectionProvider.connect} in 4.0.3, which
     * calls {@code httpConnect}. {@link PoolOpening#poolConnected} must follow on this thread.
     *
     * @return the handler with which it is to connect; null: it is not to connect yet
     */
    static @Nullable Object connecting(Object connector, Object holder, Object context, Object handler)
            throws Throwable {
        if (isAgain()) {
            return handler;
        }
        PoolOpening.countedElsewhere();
        Object clientPool = Reflect.required(holder, "this$0");
        if (clientPool.getClass().getSimpleName().equals("WebSocketEndpoint")) {
            return PoolOpening.connectingWebSocket(connector, holder, context, handler);
        }
        Vertx3Leases leases = Vertx3Leases.of(clientPool);
        Vertx3Endpoint endpoint = leases.endpoint();
        if (endpoint == null) {
            return handler;
        }
        Vertx3Opening opening = new Vertx3Opening(
                connector, new Object[] {holder, context, handler}, clientPool, holder, leases, handler);
        Lease given = leases.poll();
        if (given == null) {
            given = ConnectionGate.ask(endpoint.ask);
        }
        leases.opens(opening);
        switch (opening.begin(given)) {
            case GO:
                return opening;
            case WAIT:
                leases.handOver(); // one may have come since
                return null;
            default:
                leases.opened(opening);
                return handler;
        }
    }

    /** A waiter of the pool has brought one, see {@link Vertx3Leases#handOver}. */
    @Override
    @Nullable
    Lease instead(Lease settled) {
        Lease brought = leases.poll();
        Vertx3Endpoint endpoint = leases.endpoint();
        return brought == null && endpoint != null && settled.outcome() == Wait.Outcome.CANCELLED
                ? ConnectionGate.ask(endpoint.ask)
                : brought;
    }

    @Override
    void opened(Connection counted, AsyncResult<Object> result) throws Throwable {
        leases.opened(this);
        Object client = Reflect.call(result.result(), "connection");
        if (client != null) {
            PooledConnection made = PooledConnection.opened(client, counted, leases.endpoint(), clientPool, holder);
            if (lease() == null) {
                made.lendsItsLease();
            }
            opened = made;
        }
    }

    @Override
    void failed(@Nullable Lease had) {
        leases.opened(this);
        super.failed(had);
    }

    /** By now the pool has given the connection to those who waited. */
    @Override
    void told() {
        PooledConnection made = opened;
        if (made != null) {
            made.settle();
        }
    }
}
