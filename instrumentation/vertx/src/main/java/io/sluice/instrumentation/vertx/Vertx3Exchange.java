package io.sluice.instrumentation.vertx;

import io.netty.util.concurrent.EventExecutor;
import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import io.vertx.core.AsyncResult;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.core.http.HttpConnection;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One request for a connection in Vert.x 3 and 4.0: it asks for a lease, may wait for it, and only then comes to the {@code
 * ConnectionManager}, in 4.0 to the pool. Thread-safe; nothing blocks, and no lock of ours is held while the client is called.
 */
final class Vertx3Exchange implements Handler<AsyncResult<Object>>, Sharing.Waiting {
    /** Which exchange comes into a pool on this thread. */
    private static final ThreadLocal<@Nullable Vertx3Exchange> CURRENT = new ThreadLocal<>();

    /** Which request asks for a connection on this thread. */
    private static final ThreadLocal<@Nullable Object> REQUEST = new ThreadLocal<>();

    /** Whether this thread gives a connection back that no exchange has used. */
    private static final ThreadLocal<@Nullable Boolean> RETURNS = new ThreadLocal<>();

    /** Who waits for a lease, by {@code HttpClientRequestImpl}, in 4.0 by its promise; removed when the wait is over. */
    private static final WeakMap<Object, Vertx3Exchange> WAITING = new WeakMap<>();

    private final Vertx3Endpoint endpoint;
    /** The manager, in 4.0 the pool: whose {@code getConnection} is called with the arguments, the handler last. */
    private final Object manager;

    private final Object context;
    private final Object[] arguments;
    private final Object handler;
    private final WeakReference<Object> request;

    private volatile @Nullable Lease lease;
    private @Nullable PooledConnection joining;
    private volatile @Nullable Vertx3Leases leases;
    private volatile @Nullable ScheduledFuture<?> timer;

    private Vertx3Exchange(
            Vertx3Endpoint endpoint, Object manager, Object context, Object[] arguments, @Nullable Object request) {
        this.endpoint = endpoint;
        this.manager = manager;
        this.context = context;
        this.arguments = arguments;
        this.handler = arguments[arguments.length - 1];
        this.request = new WeakReference<>(request);
        arguments[arguments.length - 1] = this;
    }

    /** Enter and exit advice of {@code HttpClientRequestImpl.connect}, in 4.0 of {@code request}: null at the exit. */
    static void requesting(@Nullable Object newRequest) {
        if (newRequest == null) {
            REQUEST.remove();
        } else {
            REQUEST.set(newRequest);
        }
    }

    /**
     * Enter advice of {@code ConnectionManager.getConnection}; {@link #asked} must follow on this thread.
     *
     * @return whom the manager is to tell; null: it is not to be asked yet
     */
    static @Nullable Object asking(Object manager, Object[] arguments) throws Throwable {
        Object handler = arguments[arguments.length - 1];
        if (handler instanceof Vertx3Exchange) {
            CURRENT.set((Vertx3Exchange) handler);
            return handler;
        }
        Vertx3Endpoint endpoint = Vertx3Endpoint.of(manager, arguments);
        if (endpoint == null) {
            return handler;
        }
        Vertx3Exchange exchange = new Vertx3Exchange(endpoint, manager, arguments[0], arguments.clone(), REQUEST.get());
        switch (exchange.ask(true)) {
            case GO:
                CURRENT.set(exchange);
                return exchange;
            case WAIT:
                return null;
            default:
                return handler;
        }
    }

    /** Exit advice of the same. */
    static void asked() {
        CURRENT.remove();
    }

    /**
     * Enter advice of {@code ClientHttpStreamEndpoint.requestConnection2} in Vert.x 4.0, which calls {@code
     * Pool.getConnection}.
     *
     * @return whom the pool is to tell; null: it is not to be asked yet
     */
    static @Nullable Object askingPool(Object clientPool, Object context, Object handler) throws Throwable {
        Vertx3Endpoint endpoint = Vertx3Endpoint.ofPool(clientPool);
        if (endpoint == null) {
            return handler;
        }
        Vertx3Exchange exchange =
                new Vertx3Exchange(endpoint, clientPool, context, new Object[] {handler}, REQUEST.get());
        switch (exchange.ask(true)) {
            case GO:
                exchange.enter(clientPool);
                return exchange;
            case WAIT:
                return null;
            default:
                return handler;
        }
    }

    /** Enter advice of {@code Pool.getConnection}, called with the pool's lock held. */
    static void entering(Object clientPool) {
        Vertx3Exchange exchange = CURRENT.get();
        if (exchange != null) {
            exchange.enter(clientPool);
        }
    }

    private void enter(Object clientPool) {
        Vertx3Leases entered = Vertx3Leases.of(clientPool);
        leases = entered;
        entered.add(endpoint, lease);
    }

    private boolean isInVertx4() {
        return arguments.length == 1;
    }

    private void getConnection() throws Throwable {
        if (endpoint.isClosed()) {
            ConnectionGate.release(lease);
            Reflect.fail(handler, closed());
            return;
        }
        if (isInVertx4()) {
            enter(manager);
        }
        Reflect.call(manager, "getConnection", arguments);
    }

    /** Exit advice of the same: a closed pool takes nobody, and the manager then makes another. */
    static void turnedAway() {
        Vertx3Exchange exchange = CURRENT.get();
        Vertx3Leases entered = exchange == null ? null : exchange.leases;
        if (exchange != null && entered != null) {
            entered.remove(exchange.lease);
        }
    }

    private Opening.Answer ask(boolean mayJoin) throws Throwable {
        joining = mayJoin ? endpoint.join() : null;
        if (joining != null) {
            return Opening.Answer.GO;
        }
        Lease asked = ConnectionGate.ask(endpoint.ask);
        if (asked == null) {
            return Opening.Answer.UNLIMITED;
        }
        lease = asked;
        if (asked.isHeld()) {
            return Opening.Answer.GO;
        }
        if (!asked.isPending()) {
            later(() -> Reflect.fail(handler, new ConnectionPoolTooBusyException(asked.refusal())));
        } else if (endpoint.turnsAway(isInVertx4() ? manager : null)) {
            asked.abandon(Wait.Outcome.QUEUE_FULL);
            later(() -> Reflect.fail(
                    handler,
                    new ConnectionPoolTooBusyException(
                            "Connection pool reached max wait queue size of " + endpoint.maxWaiters())));
        } else {
            beginToWait(asked);
        }
        return Opening.Answer.WAIT;
    }

    private void beginToWait(Lease asked) {
        endpoint.waits(this);
        Object waitingRequest = request.get();
        if (waitingRequest != null) {
            WAITING.put(waitingRequest, this);
        }
        timer = ConnectionGate.endAfter(asked, 0);
        if (!asked.whenSettled(() -> settled(asked))) {
            Background.executor().execute(() -> settled(asked));
        }
        endpoint.sendAlong();
        if (endpoint.isClosed()) {
            sendAway();
        }
    }

    /** The lease has settled; runs in the background. */
    private void settled(Lease settled) {
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        endpoint.noLongerWaits(this);
        boolean wasReset = WAITING.get(request.get()) != this && request.get() != null;
        WAITING.remove(request.get());
        if (wasReset) {
            ConnectionGate.release(settled); // the program was told
            leaveJoining();
            return;
        }
        if (!settled.isHeld()) {
            lease = null;
        }
        later(() -> {
            if (settled.outcome() == Wait.Outcome.GRANTED) {
                getConnection();
            } else if (settled.outcome() == Wait.Outcome.CANCELLED) {
                Reflect.fail(handler, closed());
            } else {
                Reflect.fail(handler, Reflect.timeout(manager, settled.refusal()));
            }
        });
    }

    private interface Step {
        void run() throws Throwable;
    }

    private void later(Step step) {
        Runnable task = () -> {
            try {
                step.run();
            } catch (Throwable fault) {
                ConnectionGate.release(lease);
                FailOpen.report(fault);
            }
        };
        try {
            Reflect.eventLoop(context).execute(task);
        } catch (Throwable shutDown) {
            ConnectionGate.release(lease); // nobody is left to be told
        }
    }

    @Override
    public boolean sendAlong(PooledConnection connection) {
        Lease waitingFor = lease;
        synchronized (this) {
            if (joining != null) {
                return false;
            }
            joining = connection;
        }
        if (waitingFor != null && waitingFor.abandon(Wait.Outcome.GRANTED)) {
            return true;
        }
        synchronized (this) {
            if (joining != connection) {
                return true; // it has gone on since, and has given the place back itself
            }
            joining = null;
        }
        return false;
    }

    /**
     * Enter advice of {@code HttpClientRequestImpl.reset}: a request that waits leaves the queue.
     *
     * @return the cause with which the client is to go on: that of a timeout says what was waited for
     */
    static Throwable resetting(Object resetRequest, Throwable cause) {
        Vertx3Exchange exchange = WAITING.remove(resetRequest);
        Lease waitingFor = exchange == null ? null : exchange.lease;
        if (exchange == null || waitingFor == null) {
            return cause;
        }
        if (!(cause instanceof TimeoutException)) {
            waitingFor.abandon(Wait.Outcome.CANCELLED);
        } else if (waitingFor.abandon(Wait.Outcome.TIMEOUT)) {
            return Reflect.timeout(exchange.manager, waitingFor.refusal());
        }
        return cause;
    }

    /**
     * Enter advice of what fails the promise of a request in 4.0 that was not made in time: if the request waits, it leaves
     * the queue, and the promise fails sooner, with what was waited for.
     */
    static void timingOut(Object promise) {
        Vertx3Exchange exchange = WAITING.get(promise); // which stays there: the pool's endpoint wants to be told, too
        Lease waitingFor = exchange == null ? null : exchange.lease;
        if (exchange != null && waitingFor != null && waitingFor.abandon(Wait.Outcome.TIMEOUT)) {
            ((Promise<?>) promise).tryFail(Reflect.timeout(exchange.manager, waitingFor.refusal()));
        }
    }

    /**
     * Exit advice of {@code Endpoint.close} in 4.0: whoever waits is told that the client is closed. So is who waits in its
     * pool, with a lease that others need: the pool itself would go on to connect, or hang if a connection was closed too soon.
     */
    static void endpointClosed(Object clientEndpoint) throws Throwable {
        if (!clientEndpoint.getClass().getName().equals("io.vertx.core.http.impl.ClientHttpStreamEndpoint")) {
            return;
        }
        Object clientPool = Reflect.required(clientEndpoint, "pool");
        Vertx3Endpoint closed = Vertx3Endpoint.ofPool(clientPool);
        if (closed == null) {
            return;
        }
        closed.close();
        for (Sharing.Waiting exchange : closed.waiting()) {
            ((Vertx3Exchange) exchange).sendAway();
        }
        List<Object> waiters;
        synchronized (clientPool) {
            Collection<?> queue = (Collection<?>) Reflect.required(clientPool, "waitersQueue");
            waiters = new ArrayList<>(queue);
            queue.clear();
        }
        for (Object waiter : waiters) {
            Object handler = Reflect.required(waiter, "handler");
            if (handler instanceof Vertx3Exchange) {
                ((Vertx3Exchange) handler).sendAwayFromPool();
            } else {
                Reflect.fail(handler, closed());
            }
        }
    }

    private void sendAwayFromPool() {
        Vertx3Leases entered = leases;
        if (entered != null && lease != null) {
            ConnectionGate.release(entered.poll());
        }
        leaveJoining();
        later(() -> Reflect.fail(handler, closed()));
    }

    private static Throwable closed() {
        return new IllegalStateException("Client is closed");
    }

    private void sendAway() {
        Lease waitingFor = lease;
        if (waitingFor != null) {
            waitingFor.abandon(Wait.Outcome.CANCELLED);
        }
    }

    private void leaveJoining() {
        PooledConnection joined;
        synchronized (this) {
            joined = joining;
            joining = null;
        }
        if (joined != null) {
            joined.joined();
        }
    }

    /** The pool's answer. */
    @Override
    public void handle(AsyncResult<Object> answer) {
        leaveJoining();
        try {
            Vertx3Leases entered = leases;
            boolean hadLease = lease != null;
            if (entered != null && !begin(answer, entered, hadLease)) {
                return;
            }
            Reflect.complete(handler, answer);
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }

    private boolean begin(AsyncResult<Object> answer, Vertx3Leases entered, boolean hadLease) throws Throwable {
        PooledConnection connection = answer.failed() ? null : PooledConnection.of(connectionOf(answer.result()));
        if (connection == null) {
            // A connect that failed has ended its own lease; who was not let in has still brought one.
            if (hadLease && (answer.succeeded() || answer.cause() instanceof ConnectionPoolTooBusyException)) {
                ConnectionGate.release(entered.poll());
            }
            return true;
        }
        if (connection.begin(entered, hadLease)) {
            if (isInVertx4()) {
                tell(answer, connection);
            }
            return !isInVertx4();
        }
        // It wanted to go along, but got an idle connection: for that it needs a lease, like everybody.
        Object holder = connection.holder();
        if (holder == null) {
            return true;
        }
        recycle(holder, answer.result());
        Vertx3Exchange again = new Vertx3Exchange(endpoint, manager, context, again(), request.get());
        Opening.Answer next = again.ask(false);
        connection.listAgain(again.lease);
        if (next == Opening.Answer.UNLIMITED) {
            again.arguments[again.arguments.length - 1] = handler;
        }
        if (next != Opening.Answer.WAIT) {
            again.getConnection();
        }
        return false;
    }

    /**
     * Tells the client in 4.0 of its connection, unless the request has timed out since it came into the pool, or the client
     * is closed. Then it would make a stream and reset it: a place on a connection of HTTP/2 that it never gives back. On
     * the event loop of the request, where its timer cannot run between the look and the telling.
     */
    private void tell(AsyncResult<Object> answer, PooledConnection connection) throws Throwable {
        EventExecutor eventLoop = (EventExecutor) Reflect.eventLoop(context);
        if (!eventLoop.inEventLoop() && !eventLoop.isShuttingDown()) {
            later(() -> tell(answer, connection));
            return;
        }
        Object promise = request.get();
        boolean isGivenUp = endpoint.isClosed()
                || promise instanceof Promise && ((Promise<?>) promise).future().isComplete();
        Object holder = isGivenUp ? connection.holder() : null;
        if (holder == null) {
            Reflect.complete(handler, answer);
        } else {
            giveBack(holder, answer.result());
            Reflect.fail(handler, closed()); // or the request has timed out, and its program was told
        }
    }

    private Object[] again() {
        Object[] same = arguments.clone();
        same[same.length - 1] = handler;
        return same;
    }

    /** What the pool has given: the connection, since 4.0.3 a lease of it. */
    static @Nullable Object connectionOf(Object given) throws Throwable {
        return given instanceof HttpConnection ? given : Reflect.call(given, "get");
    }

    private static void recycle(Object holder, Object given) throws Throwable {
        RETURNS.set(Boolean.TRUE);
        try {
            giveBack(holder, given);
        } finally {
            RETURNS.remove();
        }
    }

    private static void giveBack(Object holder, Object given) throws Throwable {
        if (!(given instanceof HttpConnection)) {
            Reflect.call(given, "recycle");
            return;
        }
        try {
            Reflect.call(holder, "onRecycle");
        } catch (NoSuchMethodException upTo390) {
            Reflect.call(holder, "onRecycle", 0L);
        }
    }

    /** Exit advice of {@code Pool.Holder.onRecycle}, and of {@code Lease.recycle} since 4.0.3. */
    static void recycled(@Nullable Object client) {
        PooledConnection connection = PooledConnection.of(client);
        if (connection != null && RETURNS.get() == null) {
            connection.end();
        }
    }
}
