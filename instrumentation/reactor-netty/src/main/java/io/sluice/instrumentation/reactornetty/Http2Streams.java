package io.sluice.instrumentation.reactornetty;

import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP/2 connections of one pool that carry streams, and the exchanges that wait for a lease though they could go as
 * streams of them. Thread-safe; no method blocks. Locks: this one before that of an {@link Http2Use}, before the limiter's.
 */
final class Http2Streams {
    private final LinkedHashSet<Http2Use> active = new LinkedHashSet<>();
    private final LinkedHashSet<Exchange> waiting = new LinkedHashSet<>();

    /** One at a time: while the pool hands out a connection for a stream, it has no other and would open one. */
    private final ArrayDeque<Exchange> entering = new ArrayDeque<>();

    private @Nullable Exchange entrant;

    /** Has the exchange obtain its stream, for which a place is kept, when those before it have. */
    void enter(Exchange exchange) {
        synchronized (this) {
            entering.add(exchange);
        }
        letIn();
    }

    /** The exchange has its stream, or will have none. */
    void entered(Exchange exchange) {
        synchronized (this) {
            if (entrant != exchange) {
                return;
            }
            entrant = null;
        }
        letIn();
    }

    private void letIn() {
        Exchange next;
        synchronized (this) {
            next = entrant == null ? entering.poll() : null;
            entrant = next == null ? entrant : next;
        }
        if (next != null) {
            next.enter();
        }
    }

    /** Has the exchange go as a stream of a connection that carries some already; false if it must have a lease. */
    synchronized boolean join(Exchange exchange) {
        Http2Use use = withRoom();
        if (use == null) {
            return false;
        }
        exchange.joins(use);
        return true;
    }

    private @Nullable Http2Use withRoom() {
        for (Http2Use use : active) {
            if (use.reserve()) {
                return use;
            }
        }
        return null;
    }

    /** The exchange waits for its lease, or for a stream if one comes free earlier. */
    synchronized void waits(Exchange exchange) {
        waiting.add(exchange);
        sendAlong();
    }

    synchronized void noLongerWaits(Exchange exchange) {
        waiting.remove(exchange);
    }

    /** A connection carries streams from now on, or may carry more than before. */
    synchronized void hasRoom(Http2Use use) {
        if (use.isActive()) {
            active.add(use);
        }
        sendAlong();
    }

    synchronized void hasRoomIfActive(Http2Use use) {
        if (active.contains(use)) {
            sendAlong();
        }
    }

    synchronized void isIdle(Http2Use use) {
        if (!use.isActive()) {
            active.remove(use);
        }
    }

    private void sendAlong() {
        while (!waiting.isEmpty()) {
            Http2Use use = withRoom();
            if (use == null) {
                return;
            }
            Exchange first = waiting.iterator().next();
            waiting.remove(first);
            if (!first.sendAlong(use)) {
                use.unreserve(); // it has its lease, or has given up
            }
        }
    }
}
