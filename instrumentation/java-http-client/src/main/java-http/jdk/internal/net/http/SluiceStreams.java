package jdk.internal.net.http;

import io.sluice.bridge.Background;
import io.sluice.bridge.FailOpen;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for a stream of an HTTP/2 connection. Exchanges that wait for a lease although they could go as a stream do so
 * as soon as the client's pool has a connection: of many first requests to a server a few connect, the others share the
 * first connection. Those that find all its streams taken wait for one: the client itself would fail them, but it would
 * have opened a connection for each of the first requests. Thread-safe; nothing blocks, and no lock is held while an
 * exchange is told.
 */
final class SluiceStreams {
    private static final long LOOK_AGAIN_SECONDS = 1;

    /** Exchanges of any client that wait for a lease and would rather have a stream, in order of arrival. */
    private static final LinkedHashSet<SluiceWaiting> FOR_LEASE = new LinkedHashSet<>();

    private SluiceStreams() {}

    /** This exchange waits for a lease. */
    static void waitsForLease(SluiceWaiting waiting) {
        synchronized (FOR_LEASE) {
            FOR_LEASE.add(waiting);
        }
    }

    /** It does not any more. */
    static void noLongerWaits(SluiceWaiting waiting) {
        synchronized (FOR_LEASE) {
            FOR_LEASE.remove(waiting);
        }
    }

    /** Looks whether an exchange that has just begun to wait for a lease can go as a stream after all. */
    static void lookAgain(SluiceWaiting waiting) throws Throwable {
        SluiceHttp2.State state = SluiceHttp2.active(waiting.exchange());
        if (state != null) {
            wake(state);
        }
    }

    /** This exchange waits for a stream. */
    static void waitsForStream(SluiceWaiting waiting, SluiceHttp2.State state) throws Throwable {
        synchronized (state) {
            state.forStream.add(waiting);
        }
        wake(state); // one may have come free since
        lookLater(waiting, state);
    }

    /** A stream's end wakes the next. Should the connection be lost in a way that ends none, this does. */
    private static void lookLater(SluiceWaiting waiting, SluiceHttp2.State state) {
        Background.executor()
                .schedule(
                        () -> {
                            boolean waits;
                            synchronized (state) {
                                waits = !waiting.isOver() && state.forStream.contains(waiting);
                            }
                            if (waits) {
                                wakeSafely(state);
                                lookLater(waiting, state);
                            }
                        },
                        LOOK_AGAIN_SECONDS,
                        TimeUnit.SECONDS);
    }

    private static void wakeSafely(SluiceHttp2.State state) {
        try {
            wake(state);
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }

    private static void wake(SluiceHttp2.State state) throws Throwable {
        Http2Connection connection = state.connection();
        if (connection != null) {
            wake(connection, state);
        }
    }

    /** Lets as many waiting exchanges go as there are streams, and all that wait for a connection that is no more. */
    static void wake(Http2Connection connection, SluiceHttp2.State state) throws Throwable {
        boolean usable = SluiceHttp2.isUsable(connection);
        int free = usable ? state.free(connection) : Integer.MAX_VALUE;
        while (free > 0) {
            SluiceWaiting next = next(state);
            if (next == null) {
                break;
            }
            if (!next.isOver()) {
                next.retry();
                free--;
            }
        }
        List<SluiceWaiting> others = usable ? forLease() : List.of();
        Http2ClientImpl client = connection.client().client2();
        if (others.isEmpty() || SluiceHttp2Internals.pooled(client, connection.key()) != connection) {
            return;
        }
        for (SluiceWaiting waiting : others) {
            Exchange<?> exchange = waiting.exchange();
            if (free > 0
                    && exchange.client().client2() == client
                    && SluiceHttp2Internals.key(exchange.request()).equals(connection.key())
                    && waiting.sendAlong()) {
                free--;
            }
        }
    }

    private static @Nullable SluiceWaiting next(SluiceHttp2.State state) {
        synchronized (state) {
            return state.forStream.poll();
        }
    }

    private static List<SluiceWaiting> forLease() {
        synchronized (FOR_LEASE) {
            return FOR_LEASE.isEmpty() ? List.of() : new ArrayList<>(FOR_LEASE);
        }
    }
}
