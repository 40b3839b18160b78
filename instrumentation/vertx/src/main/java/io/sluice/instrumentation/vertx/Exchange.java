package io.sluice.instrumentation.vertx;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import java.util.concurrent.ScheduledFuture;
import org.jspecify.annotations.Nullable;

/**
 * One request for a connection of a pool: it asks for a lease, may wait for it beside the pool's own queue, and then asks
 * the pool. The pool's answer comes by here. Thread-safe; nothing blocks, and no lock is held while the client is called.
 *
 * <p>The client's own time limit runs while it waits: its listener is told of a wait, by a {@code PoolWaiter} that the pool
 * does not know, and what it does with that comes back as {@link #cancel}.
 */
final class Exchange implements Handler<AsyncResult<Object>>, Sharing.Waiting {
    /** By what the pool was given as the handler of its answer. Removed with the answer. */
    private static final WeakMap<Object, Exchange> BY_HANDLER = new WeakMap<>();
    /** By the waiter that the pool does not know. Removed when the wait is over. */
    private static final WeakMap<Object, Exchange> BY_WAITER = new WeakMap<>();
    /** By the pool's own {@code PoolWaiter}. */
    private static final WeakMap<Object, Exchange> IN_POOL = new WeakMap<>();

    final ClientPool pool;
    private final Object clientPool;
    private final Object context;
    private final Object listener;
    private final int kind;
    /** Whom the client wants the answer to be told. */
    private final Object handler;

    private volatile @Nullable Lease lease;
    /** The connection on which it goes along. */
    private @Nullable PooledConnection joining;
    /** What the pool has instead of {@link #handler}. */
    private volatile @Nullable Object passed;

    private @Nullable Object waiterBeside;
    private volatile @Nullable Object waiterInPool;
    private volatile @Nullable ScheduledFuture<?> timer;

    /** Whether it waits for a lease; guarded by this, as are the next two. */
    private boolean waits;
    /** Whether the client gave up while it waited, or while it was connecting. */
    private boolean cancelled;
    /** Who wants to know of a cancellation that came between the wait and the pool's taking over. */
    private @Nullable Object cancelHandler;

    private @Nullable PoolOpening opening;

    Exchange(ClientPool pool, Object clientPool, Object context, Object listener, int kind, Object handler) {
        this.pool = pool;
        this.clientPool = clientPool;
        this.context = context;
        this.listener = listener;
        this.kind = kind;
        this.handler = handler;
    }

    /**
     * Enter advice of {@code SimpleConnectionPool.acquire}.
     *
     * @return whom the pool is to tell its answer; null: the pool is not to be asked yet
     */
    static @Nullable Object asking(Object clientPool, Object context, Object listener, int kind, Object handler)
            throws Throwable {
        if (BY_HANDLER.get(handler) != null) {
            return handler;
        }
        ClientPool pool = ClientPool.of(clientPool);
        if (pool == null || pool.isClosed()) {
            return handler;
        }
        return new Exchange(pool, clientPool, context, listener, kind, handler).ask(true);
    }

    /** The pool's own waiter came to be. */
    static void waiterMade(Object waiter, @Nullable Object handler) {
        Exchange exchange = BY_HANDLER.get(handler);
        if (exchange != null) {
            exchange.waiterInPool = waiter;
            IN_POOL.put(waiter, exchange);
        }
    }

    /** The exchange of one of the pool's waiters. */
    static @Nullable Exchange ofWaiter(@Nullable Object waiter) {
        return IN_POOL.get(waiter);
    }

    private @Nullable Object ask(boolean mayJoin) throws Throwable {
        joining = mayJoin ? pool.join() : null;
        if (joining != null) {
            return passOn();
        }
        Lease asked = ConnectionGate.ask(pool.ask(kind));
        if (asked == null) {
            return handler;
        }
        lease = asked;
        if (asked.isPending()) {
            if (pool.turnsAway(clientPool)) {
                asked.abandon(Wait.Outcome.QUEUE_FULL);
                refuse(new ConnectionPoolTooBusyException(
                        "Connection pool reached max wait queue size of " + pool.maxWaiters()));
                return null;
            }
            try {
                beginToWait(asked);
            } catch (Throwable fault) {
                ConnectionGate.release(asked);
                throw fault;
            }
            return null;
        }
        if (!asked.isHeld()) {
            refuse(new ConnectionPoolTooBusyException(asked.refusal()));
            return null;
        }
        return passOn();
    }

    private Object passOn() {
        Promise<Object> promise = Promise.promise();
        passed = promise;
        BY_HANDLER.put(promise, this);
        promise.future().onComplete(this);
        return promise;
    }

    private void beginToWait(Lease asked) throws Throwable {
        synchronized (this) {
            waits = true;
        }
        pool.waits(this);
        Object waiter = Reflect.waiterBeside(clientPool, context);
        waiterBeside = waiter;
        BY_WAITER.put(waiter, this);
        Reflect.call(listener, "onEnqueue", waiter);
        timer = ConnectionGate.endAfter(asked, 0);
        if (!asked.whenSettled(() -> settled(asked))) {
            Background.executor().execute(() -> settled(asked));
        }
        pool.sendAlong(); // a connection may have come since the exchange looked for one
        if (pool.isClosed()) {
            sendAway();
        }
    }

    /** The lease has settled; runs in the background. */
    private void settled(Lease settled) {
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        pool.noLongerWaits(this);
        try {
            Reflect.eventLoop(context).execute(() -> goOn(settled));
        } catch (Throwable shutDown) {
            goOn(settled); // the pool will say so
        }
    }

    private void goOn(Lease settled) {
        synchronized (this) {
            if (!waits) {
                ConnectionGate.release(settled);
                leaveJoining();
                return;
            }
            waits = false;
        }
        Wait.Outcome outcome = settled.outcome();
        boolean mayGo = outcome == Wait.Outcome.GRANTED || outcome == Wait.Outcome.CANCELLED;
        try {
            if (mayGo) {
                askPool();
            } else {
                Reflect.fail(handler, Reflect.timeout(clientPool, settled.refusal()));
            }
        } catch (Throwable fault) {
            ConnectionGate.release(settled);
            tellOf(fault);
        }
    }

    /** The pool's own exceptions, up to 4.2 that of a closed client, would have reached the caller without a wait. */
    private void tellOf(Throwable fault) {
        try {
            Reflect.fail(handler, fault);
            if (fault instanceof ReflectiveOperationException || fault instanceof LinkageError) {
                FailOpen.report(fault);
            }
        } catch (Throwable another) {
            FailOpen.report(another);
        }
    }

    private void askPool() throws Throwable {
        Reflect.call(clientPool, "acquire", context, listener, kind, passOn());
        Object wanted;
        synchronized (this) {
            wanted = cancelHandler;
            cancelHandler = null;
        }
        if (wanted != null) {
            Object waiter = waiterInPool;
            if (waiter == null) {
                Reflect.complete(wanted, Future.succeededFuture(false));
            } else {
                Reflect.call(clientPool, "cancel", waiter, wanted);
            }
        }
    }

    /** The exchange can go along on a connection that is in use, where a place is reserved for it. */
    @Override
    public boolean sendAlong(PooledConnection connection) {
        Lease waitingFor = lease;
        synchronized (this) {
            if (!waits || joining != null) {
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

    /** The pool is closed: it shall say so. */
    void sendAway() {
        Lease waitingFor = lease;
        if (waitingFor != null) {
            waitingFor.abandon(Wait.Outcome.CANCELLED);
        }
    }

    private void refuse(Throwable refusal) {
        try {
            Reflect.eventLoop(context).execute(() -> tell(refusal));
        } catch (Throwable shutDown) {
            tell(refusal);
        }
    }

    private void tell(Throwable refusal) {
        try {
            Reflect.fail(handler, refusal);
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }

    /**
     * Enter advice of {@code SimpleConnectionPool.cancel}: the client gives up on an exchange that has waited beside the
     * pool.
     *
     * @return the waiter with which the pool is to go on; null: this was it
     */
    static @Nullable Object cancelling(Object waiter, Object cancelHandler) throws Throwable {
        Exchange exchange = BY_WAITER.get(waiter);
        return exchange == null ? waiter : exchange.cancel(cancelHandler);
    }

    private @Nullable Object cancel(Object wantsToKnow) throws Throwable {
        Object inPool = waiterInPool;
        if (inPool != null) {
            return inPool;
        }
        synchronized (this) {
            if (!waits) {
                cancelHandler = wantsToKnow; // on its way to the pool, on another thread
                return null;
            }
            waits = false;
        }
        Lease waitingFor = lease;
        if (waitingFor != null
                && waitingFor.abandon(Wait.Outcome.TIMEOUT)
                && (handler instanceof Handler || handler instanceof Promise)) {
            // Tells what it waited for; the client would only tell how long.
            Reflect.complete(wantsToKnow, Future.succeededFuture(false));
            Reflect.fail(handler, Reflect.timeout(clientPool, waitingFor.refusal()));
        } else {
            Reflect.complete(wantsToKnow, Future.succeededFuture(true));
        }
        return null;
    }

    /** The pool has cancelled the exchange: it will not be told of a connection any more. */
    void cancelledInPool() {
        PoolOpening mine;
        synchronized (this) {
            cancelled = true;
            mine = opening;
        }
        forget();
        if (mine == null) {
            ConnectionGate.release(lease);
        } else {
            mine.isWantedNoMore();
        }
    }

    private void forget() {
        BY_HANDLER.remove(passed);
        BY_WAITER.remove(waiterBeside);
        passed = null;
        leaveJoining();
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
        try {
            if (answer.failed()) {
                forget();
                ConnectionGate.release(lease);
                Reflect.complete(handler, answer);
            } else {
                begin(answer);
            }
        } catch (Throwable fault) {
            ConnectionGate.release(lease);
            FailOpen.report(fault);
        }
    }

    private void begin(AsyncResult<Object> answer) throws Throwable {
        Object clientLease = answer.result();
        PooledConnection connection = PooledConnection.of(Reflect.call(clientLease, "get"));
        if (connection == null) {
            ConnectionGate.release(lease);
        } else if (connection.begin(lease)) {
            connection.leased(clientLease);
        } else {
            // It wanted to go along, but got an idle connection: for that it needs a lease, like everybody.
            forget();
            Reflect.call(clientLease, "recycle");
            Object next = ask(false);
            connection.listAgain(lease);
            if (next != null) {
                Reflect.call(clientPool, "acquire", context, listener, kind, next);
            }
            return;
        }
        forget();
        Reflect.complete(handler, answer);
    }

    // ---- When the pool opens a connection for it --------------------------------------------------------------------

    @Nullable
    Lease lease() {
        return lease;
    }

    /** What a connection asks for that is opened for it though it has no lease; null if its pool is closed. */
    @Nullable
    Ask asksWhenItOpens() {
        return pool.isClosed() ? null : pool.ask(kind);
    }

    /** It came to the pool without a lease, and yet a connection must be opened for it. */
    void lease(@Nullable Lease newLease) {
        lease = newLease;
    }

    /** A connection is being opened on its behalf; false if nobody waits for it any more. */
    synchronized boolean opens(PoolOpening newOpening) {
        opening = newOpening;
        return !cancelled;
    }

    Object clientPool() {
        return clientPool;
    }
}
