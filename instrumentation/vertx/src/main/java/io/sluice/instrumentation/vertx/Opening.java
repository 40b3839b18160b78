package io.sluice.instrumentation.vertx;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A connection that Vert.x is about to open. It takes room before the client connects; where there is none yet, the call
 * that connects is made again on the context's event loop when there is. Thread-safe; nothing blocks.
 */
abstract class Opening implements Handler<AsyncResult<Object>> {
    /** Whether this thread makes a deferred call again. */
    private static final ThreadLocal<@Nullable Boolean> AGAIN = new ThreadLocal<>();

    /** Whether to go on. */
    enum Answer {
        /** There is a lease and room. */
        GO,
        /** The call is made again later. */
        WAIT,
        /** Nobody limits this one. */
        UNLIMITED
    }

    private final Object connector;
    private final String method;
    private final Object[] arguments;
    private final Object context;
    private final boolean endsLease;
    /** Whom the client wants to be told: the last argument, or a promise whose future was returned; null: nobody. */
    private @Nullable Object handler;
    /** The promise, kept when it was told: that may be before the method that was deferred returns its future. */
    private @Nullable Object promise;

    private volatile @Nullable Lease lease;
    private volatile @Nullable Connection connection;
    /** Whether somebody connects now: the caller, or whoever is told of the room. */
    private final AtomicBoolean goes = new AtomicBoolean();

    /**
     * @param method what is called to connect
     * @param handler the last argument, in whose place this is told; null if the method returns a future
     * @param endsLease whether the lease ends when the connection is closed
     */
    Opening(
            Object connector,
            String method,
            Object[] arguments,
            Object context,
            @Nullable Object handler,
            boolean endsLease) {
        this.connector = connector;
        this.method = method;
        this.arguments = arguments;
        this.context = context;
        this.handler = handler;
        this.endsLease = endsLease;
        if (handler != null) {
            arguments[arguments.length - 1] = this;
        }
    }

    /** Whether this thread makes a deferred call, which a hook is to let pass. */
    static boolean isAgain() {
        return AGAIN.get() != null;
    }

    /** The client has connected, with a lease and room for it. */
    abstract void opened(Connection counted, AsyncResult<Object> result) throws Throwable;

    /** The client could not connect; the room is given back. */
    void failed(@Nullable Lease had) {
        ConnectionGate.release(had);
    }

    /** Whoever wanted the connection was told. */
    void told() {}

    /** A lease in place of one for which this waits no more; null if there is none. */
    @Nullable
    Lease instead(Lease settled) {
        return null;
    }

    /** The lease was taken away; whoever has it now gives it back. */
    final void loseLease() {
        lease = null;
    }

    final @Nullable Lease lease() {
        return lease;
    }

    /** Takes room on behalf of a lease, for which it waits if it must. */
    final Answer begin(@Nullable Lease given) throws Throwable {
        if (given == null) {
            return Answer.UNLIMITED;
        }
        lease = given;
        boolean returnsFuture = handler == null;
        if (returnsFuture) {
            promise = Reflect.call(context, "promise"); // whoever makes the call later has somebody to tell
            handler = promise;
        }
        if (given.isPending()) {
            waitFor(given);
            return Answer.WAIT;
        }
        Answer answer = open(given);
        if (answer != Answer.WAIT && returnsFuture) {
            handler = null;
        }
        return answer;
    }

    /** What the method that was deferred is to return. */
    final @Nullable Object future() {
        Object promised = promise;
        return promised instanceof Promise ? ((Promise<?>) promised).future() : null;
    }

    private void waitFor(Lease pending) {
        ScheduledFuture<?> timer = ConnectionGate.endAfter(pending, 0);
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
        Lease other = settled.isHeld() ? null : instead(settled);
        if (other != null) {
            goOnWithAnother(other);
        } else if (settled.outcome() != Wait.Outcome.GRANTED && settled.outcome() != Wait.Outcome.CANCELLED) {
            fail(Reflect.timeout(connector, settled.refusal()));
        } else if (settled.outcome() == Wait.Outcome.GRANTED && !settled.isHeld()) {
            goOnWithAnother(ConnectionGate.ask(settled.ask())); // taken over and given back by somebody else
        } else if (open(settled) != Answer.WAIT) {
            connect();
        }
    }

    private void goOnWithAnother(@Nullable Lease another) throws Throwable {
        lease = another;
        if (another == null) {
            connect();
        } else if (another.isPending()) {
            waitFor(another);
        } else {
            goOn(another);
        }
    }

    /** Takes room; where there is none yet, connects when there is. */
    private Answer open(Lease held) {
        if (!held.isHeld()) {
            return Answer.UNLIMITED;
        }
        Connection made = ConnectionGate.openLater(held, endsLease, () -> roomIsThere(held));
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
            Reflect.eventLoop(context).execute(task);
        } catch (Throwable shutDown) {
            fail(shutDown);
        }
    }

    /** Makes the deferred call. */
    private void connect() throws Throwable {
        Object future;
        AGAIN.set(Boolean.TRUE);
        try {
            future = Reflect.call(connector, method, arguments);
        } catch (ReflectiveOperationException fault) {
            throw fault;
        } catch (Throwable clientsOwn) {
            fail(clientsOwn); // it is closed, for example
            return;
        } finally {
            AGAIN.remove();
        }
        if (arguments[arguments.length - 1] != this) {
            connected(future);
        }
    }

    /** The method has returned a future: tells what becomes of it, before anybody else is told. */
    @SuppressWarnings("unchecked")
    final void connected(@Nullable Object future) {
        if (future instanceof Future) {
            ((Future<Object>) future).onComplete(this);
        } else {
            fail(new IllegalStateException("not connected"));
        }
    }

    private void fail(Throwable failure) {
        handle(Future.failedFuture(failure));
    }

    /** The client has connected, or could not. */
    @Override
    public void handle(AsyncResult<Object> result) {
        Connection counted = connection;
        try {
            if (result.failed()) {
                if (counted != null) {
                    counted.closed();
                }
                failed(lease);
            } else if (counted != null) {
                opened(counted, result);
            }
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
        Object whom = handler;
        handler = null;
        try {
            if (whom != null) {
                Reflect.complete(whom, result);
            }
            told();
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }
}
