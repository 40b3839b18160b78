package io.sluice.instrumentation.vertx;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.vertx.core.AsyncResult;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A connection that Vert.x 4.1 or later opens; in 4.0 only one that belongs to no pool. On behalf of a pool it has the
 * lease of the exchange; otherwise (a WebSocket, a connection of the program's own) it asks for one, which ends with the
 * connection. Thread-safe; nothing blocks.
 */
final class PoolOpening extends Opening {
    /** For whom a pool connects on this thread. */
    private static final ThreadLocal<@Nullable Exchange> POOL_CONNECTS = new ThreadLocal<>();

    /** Whether a pool connects on this thread for somebody whom we do not know. */
    private static final ThreadLocal<@Nullable Boolean> UNKNOWN = new ThreadLocal<>();

    /** Where the pool will keep the connection for which it connects on this thread. */
    private static final ThreadLocal<@Nullable Object> SLOT = new ThreadLocal<>();

    private final @Nullable Exchange exchange;
    private final @Nullable Object slot;
    private @Nullable PooledConnection opened;
    private boolean wanted = true;

    private PoolOpening(Object connector, String method, Object[] arguments, Object context, @Nullable Object handler) {
        super(connector, method, arguments, context, handler, true);
        this.exchange = POOL_CONNECTS.get();
        this.slot = SLOT.get();
    }

    /** Enter advice of {@code SimpleConnectionPool.connect}; {@link #poolConnected} must follow on this thread. */
    static void poolConnects(Object slot, Object waiter) {
        Exchange exchange = Exchange.ofWaiter(waiter);
        POOL_CONNECTS.set(exchange);
        SLOT.set(slot);
        UNKNOWN.set(exchange == null);
    }

    /** The pool of Vert.x 4.0.3 connects: that is counted where the pool says so. */
    static void countedElsewhere() {
        UNKNOWN.set(Boolean.TRUE);
    }

    static void poolConnected() {
        POOL_CONNECTS.remove();
        SLOT.remove();
        UNKNOWN.remove();
    }

    private static boolean isToPass() {
        return isAgain() || Boolean.TRUE.equals(UNKNOWN.get());
    }

    /**
     * Enter advice of {@code HttpChannelConnector.httpConnect} up to Vert.x 4.
     *
     * @return the handler with which it is to connect; null: it is not to connect yet
     */
    static @Nullable Object connecting(Object connector, Object context, Object handler) throws Throwable {
        if (isToPass()) {
            return handler;
        }
        PoolOpening opening =
                new PoolOpening(connector, "httpConnect", new Object[] {context, handler}, context, handler);
        return opening.connecting(connector, handler);
    }

    /** The same in Vert.x 4.0.0 to 4.0.2 for a WebSocket: those of pools are {@link Vertx3Opening}s. */
    static @Nullable Object connectingWebSocket(Object connector, Object listener, Object context, Object handler)
            throws Throwable {
        Object[] arguments = {listener, context, handler};
        return new PoolOpening(connector, "connect", arguments, context, handler).connecting(connector, handler);
    }

    private @Nullable Object connecting(Object connector, Object handler) throws Throwable {
        switch (begin(exchange != null ? null : Targets.ofConnector(connector))) {
            case GO:
                return this;
            case WAIT:
                return null;
            default:
                return handler;
        }
    }

    /**
     * Enter advice of the same in Vert.x 4.0.3, early 4.1 and since 5, and of {@code TcpHttpClientTransport.connect}.
     *
     * @return an opening: it is to connect, and gets the future; a future: it is to return that without connecting; null: it
     *     is to connect
     */
    static @Nullable Object connectingForFuture(Object connector, Object[] arguments) throws Throwable {
        if (isToPass()) {
            return null;
        }
        String method = arguments.length == 1 ? "httpConnect" : "connect";
        PoolOpening opening = new PoolOpening(connector, method, arguments, arguments[0], null);
        switch (opening.begin(opening.exchange != null ? null : ask(connector, arguments))) {
            case GO:
                return opening;
            case WAIT:
                return opening.future();
            default:
                return null;
        }
    }

    private static @Nullable Ask ask(Object connector, Object[] arguments) throws ReflectiveOperationException {
        return arguments.length == 1
                ? Targets.ofConnector(connector)
                : Targets.ofParams(arguments[1], arguments[2], arguments[3]);
    }

    private Answer begin(@Nullable Ask own) throws Throwable {
        Lease given = exchange == null ? null : exchange.lease();
        if (given == null || !given.isHeld()) {
            // No pool's, or that of an exchange that meant to go along on a connection in use.
            Ask ask = exchange == null ? own : exchange.asksWhenItOpens();
            given = ask == null ? null : ConnectionGate.ask(ask);
        }
        if (exchange != null && given != null) {
            exchange.lease(given);
            if (!exchange.opens(this)) {
                isWantedNoMore(); // never the other way round: it may give up at any time from here on
            }
        }
        return begin(given);
    }

    @Override
    void opened(Connection counted, AsyncResult<Object> result) throws Throwable {
        Object client = result.result();
        if (client.getClass().getSimpleName().equals("ConnectResult")) { // 4.0.0 to 4.0.2
            client = Objects.requireNonNull(Reflect.call(client, "connection"), "connection");
        }
        PooledConnection made = PooledConnection.opened(
                client,
                counted,
                exchange == null ? null : exchange.pool,
                exchange == null ? null : exchange.clientPool(),
                null);
        made.keptIn(slot);
        boolean unused;
        synchronized (this) {
            opened = made;
            unused = !wanted;
        }
        if (unused) {
            made.settle();
        }
    }

    /** The exchange for which it is opened gave up; the pool keeps the connection for others. */
    void isWantedNoMore() {
        PooledConnection made;
        synchronized (this) {
            wanted = false;
            made = opened;
        }
        if (made != null) {
            made.settle();
        }
    }
}
