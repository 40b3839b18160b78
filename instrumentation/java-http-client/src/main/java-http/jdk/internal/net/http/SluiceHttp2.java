package jdk.internal.net.http;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.net.http.HttpClient.Version;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/2 connections. One is leased while it has a stream, by the exchange that found it without one; further streams need
 * no lease and wait for nobody. Without streams it is idle, and may be closed for somebody else.
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

    /** How many that waited go on one connection, also where the server sets no limit: RFC 9113 section 6.5.2. */
    private static final int STREAMS = 100;

    private static final WeakMap<Http2Connection, State> STATES = new WeakMap<>();

    private SluiceHttp2() {}

    /** What we know about one connection; guarded by itself. */
    static final class State {
        private final WeakReference<Http2Connection> connection;
        /** Exchanges that have chosen this connection and not reserved their stream yet. */
        private int passing;
        /** Counts the changes of {@link #passing}, for those who must look at the connection without the lock. */
        private long changes;
        /** Whether the server has said how many streams it takes, which is the first that it says. */
        private boolean streamsKnown;
        /** Reservations without a stream that nobody will give back. */
        private int lost;
        /** Since when there are reservations without a stream; 0 if there are none. */
        private long emptyNanos;
        /** Exchanges that found all streams taken. */
        final ArrayDeque<SluiceWaiting> forStream = new ArrayDeque<>(0);

        State(Http2Connection connection) {
            this.connection = new WeakReference<>(connection);
        }

        /**
         * Chooses this connection, if it is active and has a stream left; {@link #joined} must follow.
         *
         * @return false: the exchange needs a lease, or must wait for a stream
         */
        boolean join() throws Throwable {
            Http2Connection joining = connection.get();
            if (joining == null) {
                return false;
            }
            Connection counted = SluiceConnections.of(joining.connection);
            for (; ; ) {
                long seen;
                synchronized (this) {
                    seen = changes;
                }
                int free = joining.maxConcurrentClientInitiatedStreams() - SluiceHttp2Internals.reserved(joining);
                synchronized (this) {
                    if (seen != changes) {
                        continue; // one may have been counted neither as passing nor as reserved
                    }
                    if (passing >= free || (counted != null && counted.lease() == null)) {
                        return false;
                    }
                    passing++;
                    changes++;
                    return true;
                }
            }
        }

        /** The exchange has reserved its stream, or failed. */
        void joined() throws Throwable {
            synchronized (this) {
                passing--;
                changes++;
            }
            Http2Connection joined = connection.get();
            if (joined != null) {
                settle(joined, this);
                SluiceStreams.wake(joined, this);
            }
        }

        /** How many exchanges that waited may join now. */
        int free(Http2Connection of) throws Throwable {
            int streams = of.maxConcurrentClientInitiatedStreams();
            int unreserved = Math.min(streams, STREAMS) - SluiceHttp2Internals.reserved(of);
            synchronized (this) {
                return streamsKnown ? unreserved - passing : 0;
            }
        }

        @Nullable
        Http2Connection connection() {
            return connection.get();
        }
    }

    static State state(Http2Connection connection) {
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

    static boolean isUsable(Http2Connection connection) {
        return !connection.finalStream()
                && SluiceInternals.channel(connection.connection).isOpen();
    }

    /** The active connection on which the client would send this exchange, or null: the exchange needs a lease. */
    static @Nullable State active(Exchange<?> exchange) throws Throwable {
        Http2Connection found = usable(exchange);
        Connection counted = found == null ? null : SluiceConnections.of(found.connection);
        return found == null || (counted != null && counted.lease() == null) ? null : state(found);
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
                state.changes++;
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
                seen = state.changes;
                lost = state.lost;
            }
            if (SluiceHttp2Internals.hasStreams(connection) || SluiceHttp2Internals.reserved(connection) > lost) {
                return;
            }
            Lease over;
            synchronized (state) {
                if (state.passing > 0 || state.changes != seen) {
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
        SluiceStreams.wake(offered, state(offered));
    }

    /**
     * Exit advice of {@code Http2Connection.handleSettings}. Whoever goes before it goes one of too many, perhaps: the
     * client reserves any number of streams, and fails the exchange later.
     */
    public static void settingsKnown(Object connection) throws Throwable {
        Http2Connection known = (Http2Connection) connection;
        State state = state(known);
        synchronized (state) {
            state.streamsKnown = true;
        }
        SluiceStreams.wake(known, state);
    }

    /** Exit advice of {@code Http2Connection.closeStream} and, since 27, {@code abandonStream}. */
    public static void streamClosed(Object connection) throws Throwable {
        Http2Connection closed = (Http2Connection) connection;
        State state = state(closed);
        settle(closed, state);
        SluiceStreams.wake(closed, state);
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
