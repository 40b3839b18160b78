package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.Queue;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/** What the advice calls. Thread-safe; nothing blocks. */
public final class JettyHooks {
    /** By the client's connection. */
    private static final WeakMap<Object, ConnectionUse> CONNECTIONS = new WeakMap<>();

    private JettyHooks() {}

    static @Nullable ConnectionUse use(@Nullable Object connection) {
        return CONNECTIONS.get(connection);
    }

    static void opened(Object connection, ConnectionUse use) {
        CONNECTIONS.put(connection, use);
    }

    /** The queue that a new destination is to have, around the one that it made. */
    @SuppressWarnings("unchecked") // a queue of exchanges, of which only identity matters here
    public static Queue<?> queue(Object destination, Queue<?> made) {
        return made == null || made instanceof ExchangeQueue
                ? made
                : new ExchangeQueue(destination, (Queue<Object>) made);
    }

    /**
     * A destination is about to open a connection.
     *
     * @return the promise with which it does so; null: not now
     */
    @SuppressWarnings("unchecked") // a promise of a connection
    public static @Nullable Promise<?> connecting(Object destination, Promise<?> promise) {
        ExchangeQueue queue = promise instanceof Opening || !Asks.isActive() ? null : JettyTypes.queue(destination);
        // A second CONNECT after the proxy wanted credentials and closed: the first one's room is still there.
        if (queue == null || promise.getClass().getName().startsWith(JettyTypes.CLIENT + "HttpProxy$")) {
            return promise;
        }
        return queue.openings.open((Promise<Object>) promise);
    }

    /** A round robin pool looks whose turn it is. Never blocks. */
    public static void takesTurn(Object pool) throws ReflectiveOperationException {
        RoundRobin.takeTurn(pool);
    }

    /** A pool opens connections that nobody needs yet. Returns what {@link #openedAhead} is given. */
    public static @Nullable Object openingAhead() {
        return Openings.beginAhead();
    }

    /** The pool has asked for them. */
    public static void openedAhead(@Nullable Object before) {
        Openings.endAhead(before);
    }

    /** A destination looks for an exchange for this connection of its pool. */
    public static Object processing(Object connection) {
        return Passage.begin(connection);
    }

    /** It has sent it, or found none, or could not send it. */
    public static void processed(Object passage) {
        Passage ended = (Passage) passage;
        ended.end();
        ExchangeQueue goesOn = ended.refusedBy;
        if (goesOn != null) {
            ConnectionUse closing = CONNECTIONS.get(ended.connection);
            if (closing != null && closing.counted.isClosed()) {
                JettyTypes.remove(goesOn.destination(), ended.connection); // or it would be found again and again
            }
            goesOn.goOn(); // the client takes the queue for empty
        }
        QueuedExchange taken = ended.taken;
        ConnectionUse use = taken == null ? null : taken.use;
        if (taken != null && use != null && !taken.associated && taken.state == QueuedExchange.State.TAKEN) {
            use.end(taken);
        }
    }

    /** The client has tied an exchange to a connection, or could not as it was aborted. */
    public static void associated(Object exchange, boolean done) {
        QueuedExchange queued = done ? ExchangeQueue.find(exchange) : null;
        if (queued != null) {
            queued.associated = true;
        }
    }

    /** An exchange is over. */
    public static void disassociated(Object exchange) {
        QueuedExchange queued = ExchangeQueue.forget(exchange);
        ConnectionUse use = queued == null ? null : queued.use;
        if (queued != null && use != null && use.multiplexed) {
            use.end(queued);
        }
    }

    /** The head of a response begins. */
    public static void answered(Object exchange) {
        QueuedExchange queued = ExchangeQueue.find(exchange);
        ConnectionUse use = queued == null ? null : queued.use;
        if (use != null) {
            use.counted.answered(JettyTypes.isHttp10(exchange));
        }
    }

    /** A connection goes back to its pool. Returns what {@link #released} is given, or null. */
    public static @Nullable Object releasing(Object connection) {
        ConnectionUse use = CONNECTIONS.get(connection);
        if (use == null || use.multiplexed || use.explicit) {
            return null;
        }
        Lease over = use.returning();
        return over == null ? use : over;
    }

    /** It went back, or was closed. */
    public static void released(Object connection, Object over) {
        ConnectionUse use = CONNECTIONS.get(connection);
        if (use != null) {
            use.returned(over instanceof Lease ? (Lease) over : null);
        }
    }

    /** A connection leaves its destination: it is closed, or carries another protocol from now on. */
    public static void removed(Object connection) {
        ConnectionUse use = CONNECTIONS.get(connection);
        if (use != null && !use.hasSocket) {
            Connection counted = use.counted;
            counted.closed();
        }
    }

    /**
     * An exchange is given up.
     *
     * @return the cause that the program is to see: a timeout says what was waited for
     */
    public static Throwable aborted(Object exchange, Throwable cause) {
        QueuedExchange queued = cause instanceof TimeoutException ? ExchangeQueue.find(exchange) : null;
        Lease lease = queued == null ? null : queued.lease;
        if (lease == null || !lease.isPending() || !lease.abandon(Wait.Outcome.TIMEOUT)) {
            return cause;
        }
        return new TimeoutException(cause.getMessage() + ": " + lease.refusal());
    }

    /** Whether a destination has exchanges that wait, and so is not to be thrown away. */
    public static boolean isAwaited(Object destination) {
        ExchangeQueue queue = JettyTypes.queue(destination);
        return queue != null && !queue.isDeserted();
    }

    /** A destination is closed. */
    public static void closed(Object destination) {
        ExchangeQueue queue = JettyTypes.queue(destination);
        if (queue != null) {
            queue.openings.closed();
        }
    }
}
