package io.sluice.instrumentation.vertx;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import io.vertx.core.AsyncResult;
import io.vertx.core.Handler;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import java.lang.ref.WeakReference;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One request for a connection in Vert.x 3: it asks for a lease, may wait for it, and only then comes to the {@code
 * ConnectionManager}. Thread-safe; nothing blocks, and no lock of ours is held while the client is called.
 */
final class Vertx3Exchange implements Handler<AsyncResult<Object>>, Sharing.Waiting {
    private static final int HANDLER = 4;

    /** Which exchange comes into a pool on this thread. */
    private static final ThreadLocal<@Nullable Vertx3Exchange> CURRENT = new ThreadLocal<>();

    /** Which request asks for a connection on this thread. */
    private static final ThreadLocal<@Nullable Object> REQUEST = new ThreadLocal<>();

    /** Whether this thread gives a connection back that no exchange has used. */
    private static final ThreadLocal<@Nullable Boolean> RETURNS = new ThreadLocal<>();

    /** Who waits for a lease, by {@code HttpClientRequestImpl}; removed when the wait is over. */
    private static final WeakMap<Object, Vertx3Exchange> WAITING = new WeakMap<>();

    private final Vertx3Endpoint endpoint;
    private final Object manager;
    private final Object[] arguments;
    private final Object handler;
    private final WeakReference<Object> request = new WeakReference<>(REQUEST.get());

    private volatile @Nullable Lease lease;
    private @Nullable PooledConnection joining;
    private volatile @Nullable Vertx3Leases leases;
    private volatile @Nullable ScheduledFuture<?> timer;

    private Vertx3Exchange(Vertx3Endpoint endpoint, Object manager, Object[] arguments) {
        this.endpoint = endpoint;
        this.manager = manager;
        this.arguments = arguments;
        this.handler = arguments[HANDLER];
        arguments[HANDLER] = this;
    }

    /** Enter and exit advice of {@code HttpClientRequestImpl.connect}: null at the exit. */
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
        Object handler = arguments[HANDLER];
        if (handler instanceof Vertx3Exchange) {
            CURRENT.set((Vertx3Exchange) handler);
            return handler;
        }
        Vertx3Endpoint endpoint = Vertx3Endpoint.of(manager, arguments);
        if (endpoint == null) {
            return handler;
        }
        Vertx3Exchange exchange = new Vertx3Exchange(endpoint, manager, arguments.clone());
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

    /** Enter advice of {@code Pool.getConnection}, called with the pool's lock held. */
    static void entering(Object clientPool) {
        Vertx3Exchange exchange = CURRENT.get();
        if (exchange != null) {
            Vertx3Leases entered = Vertx3Leases.of(clientPool);
            exchange.leases = entered;
            entered.add(exchange.endpoint, exchange.lease);
        }
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
        } else if (endpoint.turnsAway()) {
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
                Reflect.call(manager, "getConnection", arguments);
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
            Reflect.eventLoop(arguments[0]).execute(task);
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
        PooledConnection connection = answer.failed() ? null : PooledConnection.of(answer.result());
        if (connection == null) {
            // A connect that failed has ended its own lease; who was not let in has still brought one.
            if (hadLease && (answer.succeeded() || answer.cause() instanceof ConnectionPoolTooBusyException)) {
                ConnectionGate.release(entered.poll());
            }
            return true;
        }
        if (connection.begin(entered, hadLease)) {
            return true;
        }
        // It wanted to go along, but got an idle connection: for that it needs a lease, like everybody.
        Object holder = connection.holder();
        if (holder == null) {
            return true;
        }
        recycle(holder);
        Vertx3Exchange again = new Vertx3Exchange(endpoint, manager, again());
        Opening.Answer next = again.ask(false);
        connection.listAgain(again.lease);
        if (next == Opening.Answer.GO) {
            Reflect.call(manager, "getConnection", again.arguments);
        }
        return false;
    }

    private Object[] again() {
        Object[] same = arguments.clone();
        same[HANDLER] = handler;
        return same;
    }

    private static void recycle(Object holder) throws Throwable {
        RETURNS.set(Boolean.TRUE);
        try {
            Reflect.call(holder, "onRecycle");
        } catch (NoSuchMethodException upTo390) {
            Reflect.call(holder, "onRecycle", 0L);
        } finally {
            RETURNS.remove();
        }
    }

    /** Exit advice of {@code Pool.Holder.onRecycle}. */
    static void recycled(@Nullable Object client) {
        PooledConnection connection = PooledConnection.of(client);
        if (connection != null && RETURNS.get() == null) {
            connection.end();
        }
    }
}
