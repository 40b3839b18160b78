package jdk.internal.net.http;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.net.http.HttpClient.Version;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/2 connections. One is leased while it has a stream, by the exchange that found it without one; further streams need
 * no lease and wait for nobody. Without streams it is idle, and may be closed for somebody else.
 *
 * <p>Exchanges that wait for a lease although they could go as a stream do so as soon as the client's pool has a connection:
 * of many first requests to a server a few connect, the others share the first connection.
 *
 * <p>Locks: a {@link State} is locked while the limiter is asked, never while the client's locks are taken, since the hooks
 * run with those held. Thread-safe; nothing blocks.
 */
public final class SluiceHttp2 {
    /**
     * Up to Java 25 a request that is cancelled between reserving its stream and opening it leaves the reservation behind
     * ({@code Stream.cancelImpl} counts down only when the stream has its number). A connection that has reservations but
     * no stream for so long, while somebody waits, is idle.
     */
    private static final long LOST_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final WeakMap<Http2Connection, State> STATES = new WeakMap<>();

    /** Exchanges of any client that wait for a lease and would rather have a stream, in order of arrival. */
    private static final LinkedHashSet<SluiceWaiting> WAITING = new LinkedHashSet<>();

    private SluiceHttp2() {}

    /** What we know about one connection; guarded by itself. */
    static final class State {
        private final WeakReference<Http2Connection> connection;
        /** Exchanges that have chosen this connection and not reserved their stream yet. */
        private int passing;
        /** Counts exchanges that chose this connection, so that who decides without the lock sees that one came. */
        private long choices;
        /** Reservations without a stream that nobody will give back. */
        private int lost;
        /** Since when there are reservations without a stream; 0 if there are none. */
        private long emptyNanos;
        /** Exchanges that have waited already and find all streams taken. */
        private final ArrayDeque<SluiceWaiting> forStream = new ArrayDeque<>(0);

        State(Http2Connection connection) {
            this.connection = new WeakReference<>(connection);
        }

        /** The exchange has reserved its stream, or failed. */
        void joined() throws Throwable {
            synchronized (this) {
                passing--;
            }
            Http2Connection joined = connection.get();
            if (joined != null) {
                settle(joined, this);
            }
        }
    }

    private static State state(Http2Connection connection) {
        State state = STATES.get(connection);
        if (state == null) {
            synchronized (STATES) {
                state = STATES.get(connection);
                if (state == null) {
                    state = new State(connection);
                    STATES.put(connection, state);
                    Connection counted = SluiceConnections.of(connection.connection);
                    if (counted != null) {
                        SluiceConnections.keptIn(counted, connection);
                    }
                }
            }
        }
        return state;
    }

    /** The connection on which the client would send this exchange as a further stream, or null. */
    private static @Nullable Http2Connection usable(Exchange<?> exchange) throws Throwable {
        if (exchange.version() != Version.HTTP_2) {
            return null;
        }
        Http2Connection found =
                SluiceHttp2Internals.pooled(exchange.client().client2(), SluiceHttp2Internals.key(exchange.request()));
        return found == null || !isUsable(found) ? null : found;
    }

    private static boolean isUsable(Http2Connection connection) {
        return !connection.finalStream()
                && SluiceInternals.channel(connection.connection).isOpen();
    }

    /**
     * Chooses a connection that is active already; {@link State#joined} must follow.
     *
     * @return null if there is none: the exchange needs a lease
     */
    static @Nullable State join(Exchange<?> exchange) throws Throwable {
        Http2Connection found = usable(exchange);
        if (found == null) {
            return null;
        }
        State state = state(found);
        Connection counted = SluiceConnections.of(found.connection);
        synchronized (state) {
            if (counted != null && counted.lease() == null) {
                return null;
            }
            state.passing++;
            state.choices++;
            return state;
        }
    }

    /**
     * An exchange with a lease has gone through the gate without a connection of its own: if it opens the first stream of
     * an idle connection, this is leased now.
     *
     * @return false if the lease is not needed
     */
    static boolean activate(Exchange<?> exchange, Lease lease) {
        try {
            Http2Connection found = usable(exchange);
            Connection counted = found == null ? null : SluiceConnections.of(found.connection);
            if (found == null || counted == null) {
                return false;
            }
            State state = state(found);
            synchronized (state) {
                state.choices++;
                if (counted.lease() != null || !counted.use(lease)) {
                    return false;
                }
            }
            settle(found, state); // its stream may have come and gone
            return true;
        } catch (Throwable fault) {
            FailOpen.report(fault);
            return false;
        }
    }

    /** Gives the lease back if no stream is left. */
    private static void settle(Http2Connection connection, State state) throws Throwable {
        Connection counted = SluiceConnections.of(connection.connection);
        if (counted == null) {
            return;
        }
        for (; ; ) {
            long seen;
            int lost;
            synchronized (state) {
                if (state.passing > 0) {
                    return; // joined() looks again
                }
                seen = state.choices;
                lost = state.lost;
            }
            if (SluiceHttp2Internals.hasStreams(connection) || SluiceHttp2Internals.reserved(connection) > lost) {
                return;
            }
            Lease over;
            synchronized (state) {
                if (state.passing > 0 || state.choices != seen) {
                    continue;
                }
                over = counted.lease();
                if (over != null) {
                    counted.idle(over);
                }
            }
            ConnectionGate.release(over);
            return;
        }
    }

    /** Exit advice of {@code Http2ClientImpl.offerConnection}: others may use it, too, if the client has pooled it. */
    public static void offered(Object connection) throws Throwable {
        Http2Connection offered = (Http2Connection) connection;
        wake(offered, state(offered));
    }

    /** Exit advice of {@code Http2Connection.closeStream} and, since 27, {@code abandonStream}. */
    public static void streamClosed(Object connection) throws Throwable {
        Http2Connection closed = (Http2Connection) connection;
        State state = state(closed);
        settle(closed, state);
        wake(closed, state);
    }

    /** Lets as many waiting exchanges go as there are streams. */
    private static void wake(Http2Connection connection, State state) throws Throwable {
        boolean usable = isUsable(connection);
        int free = usable
                ? connection.maxConcurrentClientInitiatedStreams() - SluiceHttp2Internals.reserved(connection)
                : Integer.MAX_VALUE;
        for (SluiceWaiting next = poll(state); next != null; next = free > 0 ? poll(state) : null) {
            if (free <= 0) {
                synchronized (state) {
                    state.forStream.addFirst(next);
                }
                return;
            }
            if (!next.isOver()) {
                next.retry();
                free--;
            }
        }
        Http2ClientImpl client = connection.client().client2();
        if (!usable || SluiceHttp2Internals.pooled(client, connection.key()) != connection) {
            return;
        }
        for (SluiceWaiting waiting : waiting()) {
            Exchange<?> exchange = waiting.exchange();
            if (free > 0
                    && exchange.client().client2() == client
                    && SluiceHttp2Internals.key(exchange.request()).equals(connection.key())
                    && waiting.sendAlong()) {
                free--;
            }
        }
    }

    private static @Nullable SluiceWaiting poll(State state) {
        synchronized (state) {
            return state.forStream.poll();
        }
    }

    private static List<SluiceWaiting> waiting() {
        synchronized (WAITING) {
            return WAITING.isEmpty() ? List.of() : new ArrayList<>(WAITING);
        }
    }

    /** This exchange waits for a lease. */
    static void wait(SluiceWaiting waiting) {
        synchronized (WAITING) {
            WAITING.add(waiting);
        }
    }

    /** It does not any more. */
    static void noLongerWaits(SluiceWaiting waiting) {
        synchronized (WAITING) {
            WAITING.remove(waiting);
        }
    }

    /** Looks whether an exchange that has just begun to wait can go as a stream after all. */
    static void lookAgain(SluiceWaiting waiting) throws Throwable {
        Http2Connection found = usable(waiting.exchange());
        Connection counted = found == null ? null : SluiceConnections.of(found.connection);
        // An idle one needs a lease.
        if (found != null && counted != null && counted.lease() != null) {
            wake(found, state(found));
        }
    }

    /**
     * Has an exchange that waited already wait on if the connection on which it would go has no stream left. The client
     * itself would fail it, having opened as many connections as there were first requests where we had them wait.
     *
     * @return false if it can go
     */
    static boolean waitForStream(SluiceWaiting waiting) throws Throwable {
        Http2Connection found = usable(waiting.exchange());
        if (found == null || !isFull(found)) {
            return false;
        }
        State state = state(found);
        synchronized (state) {
            state.forStream.add(waiting);
        }
        if (!isFull(found) || !isUsable(found)) {
            wake(found, state);
        }
        return true;
    }

    private static boolean isFull(Http2Connection connection) throws Throwable {
        return SluiceHttp2Internals.reserved(connection) >= connection.maxConcurrentClientInitiatedStreams();
    }

    /** Closes a connection without streams. */
    static boolean evict(Http2Connection connection) throws Throwable {
        State state = state(connection);
        int lost;
        synchronized (state) {
            if (state.passing > 0) {
                return false;
            }
            lost = state.lost;
        }
        if (!SluiceHttp2Internals.retire(connection, lost)) {
            return false;
        }
        SluiceHttp2Internals.unpool(connection);
        connection.close();
        // Up to 25, close() only says goodbye, and the server decides when the connection ends.
        connection.connection.close();
        return true;
    }

    /** Somebody waits: takes the lease back from a connection whose reservations were lost. */
    static boolean finish(Http2Connection connection) throws Throwable {
        State state = state(connection);
        boolean empty = !SluiceHttp2Internals.hasStreams(connection);
        int reserved = SluiceHttp2Internals.reserved(connection);
        long now = System.nanoTime() | 1; // never 0
        synchronized (state) {
            state.lost = Math.min(state.lost, reserved);
            if (!empty || reserved == state.lost) {
                state.emptyNanos = 0;
            } else if (state.emptyNanos == 0) {
                state.emptyNanos = now;
            } else if (now - state.emptyNanos > LOST_NANOS) {
                state.lost = reserved;
                state.emptyNanos = 0;
            }
        }
        Connection counted = SluiceConnections.of(connection.connection);
        settle(connection, state);
        return counted != null && counted.isIdle();
    }
}
