package io.sluice.instrumentation.vertx;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A connection that Vert.x is about to open. It takes room before the client connects; where there is none yet, the call
 * that connects is made again on the context's event loop when there is. On behalf of a pool it has the lease of the
 * exchange; otherwise (a WebSocket, a connection of the program's own) it asks for one, which ends with the connection.
 * Thread-safe; nothing blocks.
 */
final class Opening implements Handler<AsyncResult<Object>> {
    /** For whom a pool connects on this thread. */
    private static final ThreadLocal<@Nullable Exchange> POOL_CONNECTS = new ThreadLocal<>();

    /** Whether a pool connects on this thread for somebody whom we do not know. */
    private static final ThreadLocal<@Nullable Boolean> UNKNOWN = new ThreadLocal<>();

    /** Whether this thread makes a deferred call again. */
    private static final ThreadLocal<@Nullable Boolean> AGAIN = new ThreadLocal<>();

    private final Object connector;
    private final Object[] arguments;
    /** Whom the client wants to be told: the last argument, or a promise whose future was returned; null: nobody. */
    private @Nullable Object handler;

    private final @Nullable Exchange exchange;
    private volatile @Nullable Lease lease;
    private volatile @Nullable Connection connection;
    private @Nullable PooledConnection opened;
    private boolean wanted = true;
    /** Whether somebody connects now: the caller, or whoever is told of the room. */
    private final AtomicBoolean goes = new AtomicBoolean();

    private Opening(Object connector, Object[] arguments, @Nullable Exchange exchange) {
        this.connector = connector;
        this.arguments = arguments;
        this.exchange = exchange;
    }

    /** Enter advice of {@code SimpleConnectionPool.connect}; {@link #poolConnected} must follow on this thread. */
    static void poolConnects(Object waiter) {
        Exchange exchange = Exchange.ofWaiter(waiter);
        POOL_CONNECTS.set(exchange);
        UNKNOWN.set(exchange == null);
    }

    static void poolConnected() {
        POOL_CONNECTS.remove();
        UNKNOWN.remove();
    }

    /**
     * Enter advice of {@code HttpChannelConnector.httpConnect} up to Vert.x 4.
     *
     * @return the handler with which it is to connect; null: it is not to connect yet
     */
    static @Nullable Object connecting(Object connector, Object context, Object handler) throws Throwable {
        if (handler instanceof Opening || Boolean.TRUE.equals(UNKNOWN.get())) {
            return handler;
        }
        Opening opening = new Opening(connector, new Object[] {context, handler}, POOL_CONNECTS.get());
        opening.arguments[1] = opening;
        opening.handler = handler;
        switch (opening.begin(opening.exchange != null ? null : Targets.ofConnector(connector))) {
            case GO:
                return opening;
            case WAIT:
                return null;
            default:
                return handler;
        }
    }

    /**
     * Enter advice of the same since Vert.x 5, and of {@code TcpHttpClientTransport.connect}.
     *
     * @return an opening: it is to connect, and {@link #connected} gets the future; a future: it is to return that without
     *     connecting; null: it is to connect
     */
    static @Nullable Object connectingForFuture(Object connector, Object[] arguments) throws Throwable {
        if (AGAIN.get() != null || Boolean.TRUE.equals(UNKNOWN.get())) {
            return null;
        }
        Opening opening = new Opening(connector, arguments, POOL_CONNECTS.get());
        switch (opening.begin(opening.exchange != null ? null : opening.ask())) {
            case GO:
                opening.handler = null;
                return opening;
            case WAIT:
                return ((Promise<?>) Reflect.required(opening, "handler")).future();
            default:
                return null;
        }
    }

    private @Nullable Ask ask() throws ReflectiveOperationException {
        return arguments.length == 1
                ? Targets.ofConnector(connector)
                : Targets.ofParams(arguments[1], arguments[2], arguments[3]);
    }

    /** Exit advice of the same: tells what became of it, before anybody else is told. */
    @SuppressWarnings("unchecked")
    static void connected(Object opening, @Nullable Object future) {
        if (future instanceof Future) {
            ((Future<Object>) future).onComplete((Opening) opening);
        } else {
            ((Opening) opening).failed();
        }
    }

    private enum Answer {
        GO,
        WAIT,
        UNLIMITED
    }

    private Answer begin(@Nullable Ask own) throws Throwable {
        Lease given = exchange == null ? null : exchange.lease();
        if (given == null || !given.isHeld()) {
            // No pool's, or that of an exchange that meant to go along on a connection in use.
            Ask ask = exchange == null ? own : exchange.asksWhenItOpens();
            given = ask == null ? null : ConnectionGate.ask(ask);
        }
        if (given == null) {
            return Answer.UNLIMITED;
        }
        lease = given;
        if (exchange != null) {
            exchange.lease(given);
            if (!exchange.opens(this)) {
                wanted = false;
            }
        }
        if (handler == null) {
            handler = Reflect.call(arguments[0], "promise"); // whoever makes the call later has somebody to tell
        }
        if (given.isPending()) {
            waitFor(given);
            return Answer.WAIT;
        }
        return open(given);
    }

    private void waitFor(Lease pending) {
        long maxNanos = ConnectionGate.maxWaitNanos(0);
        ScheduledFuture<?> timer = maxNanos <= 0
                ? null
                : Background.executor()
                        .schedule(() -> pending.abandon(Wait.Outcome.TIMEOUT), maxNanos, TimeUnit.NANOSECONDS);
        Runnable settled = () -> {
            if (timer != null) {
                timer.cancel(false);
            }
            later(() -> goOn(pending));
        };
        if (!pending.whenSettled(settled)) {
            Background.executor().execute(settled);
        }
    }

    private void goOn(Lease settled) throws Throwable {
        if (!settled.isHeld() && settled.outcome() != Wait.Outcome.CANCELLED) {
            fail(Reflect.timeout(connector, settled.refusal()));
        } else if (open(settled) != Answer.WAIT) {
            connect();
        }
    }

    /** Takes room; where there is none yet, connects when there is. */
    private Answer open(Lease held) {
        if (!held.isHeld()) {
            return Answer.UNLIMITED;
        }
        Connection made = ConnectionGate.openLater(held, true, () -> roomIsThere(held));
        if (made == null) {
            return Answer.UNLIMITED;
        }
        connection = made;
        return !made.isPending() && goes.compareAndSet(false, true) ? Answer.GO : Answer.WAIT;
    }

    /** Runs in the background, perhaps before whoever asked for room has heard of having to wait. */
    private void roomIsThere(Lease held) {
        if (goes.compareAndSet(false, true)) {
            if (connection == null) {
                connection = held.connection();
            }
            later(this::connect);
        }
    }

    private interface Step {
        void run() throws Throwable;
    }

    private void later(Step step) {
        Runnable task = () -> {
            try {
                step.run();
            } catch (Throwable fault) {
                FailOpen.report(fault);
                fail(fault);
            }
        };
        try {
            Reflect.eventLoop(arguments[0]).execute(task);
        } catch (Throwable shutDown) {
            fail(shutDown);
        }
    }

    /** Makes the deferred call. */
    private void connect() throws Throwable {
        if (arguments.length == 2) {
            Reflect.call(connector, "httpConnect", arguments);
            return;
        }
        AGAIN.set(Boolean.TRUE);
        Object future;
        try {
            future = Reflect.call(connector, arguments.length == 1 ? "httpConnect" : "connect", arguments);
        } finally {
            AGAIN.remove();
        }
        connected(this, future);
    }

    private void fail(Throwable failure) {
        handle(Future.failedFuture(failure));
    }

    /** The client has connected, or could not. */
    @Override
    public void handle(AsyncResult<Object> result) {
        try {
            if (result.succeeded()) {
                opened(result.result());
            } else {
                failed();
            }
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
        Object told = handler;
        handler = null;
        if (told != null) {
            try {
                Reflect.complete(told, result);
            } catch (Throwable fault) {
                FailOpen.report(fault);
            }
        }
    }

    private void opened(Object client) throws Throwable {
        Connection counted = connection;
        if (counted == null) {
            return;
        }
        PooledConnection made = PooledConnection.opened(
                client,
                counted,
                exchange == null ? null : exchange.pool,
                exchange == null ? null : exchange.clientPool());
        boolean unused;
        synchronized (this) {
            opened = made;
            unused = !wanted;
        }
        if (unused) {
            made.settle();
        }
    }

    private void failed() {
        Connection counted = connection;
        if (counted != null) {
            counted.closed();
        }
        ConnectionGate.release(lease);
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
