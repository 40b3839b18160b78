package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.Background;
import io.sluice.limiter.Lease;
import java.nio.channels.AsynchronousCloseException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.client.AbstractConnectionPool;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one destination that the client wants to open. The client's pool opens them on suspicion: one is not
 * bound to an exchange, and there may be more of them than exchanges. Each is opened with the lease of an exchange that
 * has none under way yet; those that are too many are held back until there is one.
 *
 * <p>Locks: the queue's. Thread-safe; nothing blocks.
 */
final class Openings {
    private static final long PATIENCE_MILLIS = 50;
    private static final ThreadLocal<@Nullable Boolean> AHEAD = new ThreadLocal<>();

    private final ExchangeQueue queue;
    private final ArrayDeque<Opening> held = new ArrayDeque<>(0);
    /** How many are under way, all but the explicit ones. */
    private int underWay;

    private volatile boolean someAreHeld;

    Openings(ExchangeQueue queue) {
        this.queue = queue;
    }

    /** The calling thread opens connections ahead of need, as the program wants it. Returns what was set before. */
    static @Nullable Object beginAhead() {
        Object before = AHEAD.get();
        AHEAD.set(Boolean.TRUE);
        return before;
    }

    static void endAhead(@Nullable Object before) {
        if (before == null) {
            AHEAD.remove();
        }
    }

    boolean someAreHeld() {
        return someAreHeld;
    }

    /**
     * The client wants to open a connection.
     *
     * @return what it is to open it for; null: not now
     */
    @Nullable
    Promise<Object> open(Promise<Object> promise) {
        boolean explicit = isExplicit(promise);
        boolean wanted = explicit || AHEAD.get() != null;
        Opening opening = new Opening(queue, promise, explicit, wanted);
        if (wanted) {
            return askItself(opening) ? opening : null;
        }
        // Some pools open as many connections as they may have though others are idle; not so for want of room.
        boolean spreads = spreads() && Asks.hasRoom(queue.destination());
        Opening.Room room;
        do {
            room = begin(opening, spreads);
        } while (room == Opening.Room.LENDER_GONE);
        return room == Opening.Room.TAKEN ? opening : null;
    }

    private Opening.Room begin(Opening opening, boolean spreads) {
        QueuedExchange lender = null;
        boolean isHeld = false;
        QueuedExchange served = null;
        synchronized (queue) {
            List<QueuedExchange> ready = queue.readyOnes();
            int free = spreads ? 0 : queue.freeConnections();
            boolean isNeeded = underWay + free < ready.size();
            lender = isNeeded ? lender(ready) : null;
            if (lender != null) {
                begin(opening, lender);
            } else if (!isNeeded || queue.isShared()) { // who has no lease goes as a further stream
                hold(opening);
                isHeld = true;
                served = underWay < ready.size() ? ready.get(0) : null;
            }
        }
        if (isHeld) {
            if (served != null) {
                queue.goOn();
                lendLater(served);
            }
            return Opening.Room.AWAITED;
        }
        if (lender != null) {
            return takeRoomAsLent(opening);
        }
        return askItself(opening) ? Opening.Room.TAKEN : Opening.Room.AWAITED;
    }

    /** The lender may have found another connection since, and be over: then it is as if it had not lent its lease. */
    private Opening.Room takeRoomAsLent(Opening opening) {
        Opening.Room room = opening.takeRoom();
        if (room == Opening.Room.LENDER_GONE) {
            synchronized (queue) {
                underWay--;
                opening.notBegun();
            }
        }
        return room;
    }

    /** There is a free connection, which the client did not see; should it not see it in the end, another is opened. */
    private void lendLater(final QueuedExchange exchange) {
        Background.executor()
                .schedule(
                        new Runnable() {
                            @Override
                            public void run() {
                                boolean waits;
                                synchronized (queue) {
                                    waits = exchange.state == QueuedExchange.State.READY && exchange.opening == null;
                                }
                                if (waits) {
                                    lend(true);
                                }
                            }
                        },
                        PATIENCE_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    /** Whether the program itself asked for this connection: the pool's promises are classes of the client. */
    private boolean isExplicit(Promise<Object> promise) {
        return !promise.getClass().getName().startsWith(JettyTypes.CLIENT)
                && JettyTypes.pool(queue.destination()) instanceof AbstractConnectionPool;
    }

    private boolean spreads() {
        Object pool = JettyTypes.pool(queue.destination());
        try {
            return pool != null
                    && (Boolean)
                            pool.getClass().getMethod("isMaximizeConnections").invoke(pool);
        } catch (ReflectiveOperationException notBefore9425) {
            return false;
        }
    }

    /** With the queue locked. */
    private void hold(Opening opening) {
        held.add(opening);
        someAreHeld = true;
    }

    /** With the queue locked. */
    private static @Nullable QueuedExchange lender(List<QueuedExchange> ready) {
        for (QueuedExchange one : ready) {
            if (one.opening == null && one.lease != null && one.lease.isHeld()) {
                return one;
            }
        }
        return null;
    }

    /** With the queue locked. */
    private void begin(Opening opening, QueuedExchange lender) {
        underWay++;
        opening.lentBy(lender);
        lender.opening = opening;
    }

    /** Nobody lends a lease: it takes its own place in the queue. True if it goes on at once. */
    private boolean askItself(Opening opening) {
        Lease own = opening.explicit ? Asks.askForExplicit(queue.destination()) : queue.ask();
        if (own == null || own.isHeld()) {
            begin(opening, own);
            return own == null || opening.takeRoom() != Opening.Room.AWAITED;
        }
        synchronized (queue) {
            opening.own = own;
            if (!opening.explicit) {
                hold(opening);
            }
        }
        opening.awaitOwn(own);
        return false;
    }

    private void begin(Opening opening, @Nullable Lease own) {
        synchronized (queue) {
            if (!opening.explicit) {
                underWay++;
            }
            opening.begunWith(own);
        }
    }

    /** An opening has its own lease; false if it goes on with another one already, or never will. */
    boolean begin(Opening opening) {
        synchronized (queue) {
            if (!opening.wanted && queue.readyOnes().isEmpty()) {
                opening.own = null; // the exchange for which it asked went another way
                return false;
            }
            if (opening.isBegun() || (!opening.explicit && !held.remove(opening))) {
                return false;
            }
            someAreHeld = !held.isEmpty();
            if (!opening.explicit) {
                underWay++;
            }
            opening.begunWith(opening.own);
            return true;
        }
    }

    /** Opens for the exchanges that are ready and find no free connection what was held back. */
    void lend() {
        lend(false);
    }

    private void lend(boolean evenIfOthersAreFree) {
        QueuedExchange unserved = null;
        while (someAreHeld) {
            Opening opening;
            QueuedExchange lender;
            synchronized (queue) {
                List<QueuedExchange> ready = queue.readyOnes();
                int free = evenIfOthersAreFree ? 0 : queue.freeConnections();
                if (held.isEmpty() || underWay + free >= ready.size()) {
                    unserved = held.isEmpty() || underWay >= ready.size() ? null : ready.get(0);
                    break;
                }
                lender = lender(ready);
                opening = held.remove();
                someAreHeld = !held.isEmpty();
                if (lender != null) {
                    begin(opening, lender);
                }
            }
            boolean goesNow;
            if (lender != null) {
                opening.dropOwn();
                Opening.Room room = takeRoomAsLent(opening);
                if (room == Opening.Room.LENDER_GONE) {
                    synchronized (queue) {
                        hold(opening);
                    }
                    continue;
                }
                goesNow = room == Opening.Room.TAKEN;
            } else if (opening.own != null) {
                synchronized (queue) {
                    hold(opening);
                }
                return; // it has asked already
            } else {
                goesNow = askItself(opening);
            }
            if (goesNow) {
                opening.connectLater();
            }
            if (lender == null) {
                return;
            }
        }
        if (unserved != null) {
            lendLater(unserved);
        }
    }

    /** An exchange has its connection, be it the one that was opened with its lease or another one. */
    void served(QueuedExchange exchange) {
        Opening other;
        synchronized (queue) {
            other = exchange.opening;
            exchange.opening = null;
        }
        if (other != null) {
            other.takeBack();
        }
    }

    /** A connection is there, or could not be opened. */
    void ended(Opening opening) {
        synchronized (queue) {
            if (!opening.explicit) {
                underWay--;
            }
            QueuedExchange lender = opening.lender();
            if (lender != null && lender.opening == opening) {
                lender.opening = null;
            }
        }
        lend();
    }

    /** The destination is closed: what is held back never comes. */
    void closed() {
        List<Opening> never;
        synchronized (queue) {
            never = new ArrayList<>(held);
            held.clear();
            someAreHeld = false;
        }
        for (Opening opening : never) {
            opening.dropOwn();
            opening.refuse(new AsynchronousCloseException());
        }
    }
}
