package io.sluice.bridge;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Clock;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Pool;
import io.sluice.limiter.Reporter;
import io.sluice.limiter.Wait;
import io.sluice.limiter.WaitListener;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where woven clients ask. Everything here may be called before the agent is installed, or with its mode {@code off}: then
 * the answer is null, which means: go on, unlimited. Nothing here throws.
 */
public final class ConnectionGate {
    private static final WeakMap<Object, Pool> POOLS = new WeakMap<>();

    private static volatile @Nullable LimiterTable table;

    private ConnectionGate() {}

    /** Opens the gate's door to a limiter; called once, by the installer. Returns the table for later changes. */
    public static LimiterTable install(Limits limits, WaitListener listener, Reporter newReporter) {
        Housekeeper keeper = new Housekeeper();
        LimiterTable made =
                new LimiterTable(limits, listener, newReporter, Background.executor(), Clock.SYSTEM, keeper);
        keeper.lookAfter(made);
        FailOpen.reportTo(newReporter);
        table = made;
        return made;
    }

    /** The limiter behind the gate, for whoever shows or changes it; null before {@link #install}. */
    public static @Nullable LimiterTable table() {
        return table;
    }

    private static @Nullable LimiterTable active() {
        LimiterTable now = table;
        if (now == null || now.limits().mode() == Limits.Mode.OFF || Exempt.isCurrent()) {
            return null;
        }
        return now;
    }

    /**
     * Asks for a lease and parks the calling thread until it is granted or the wait is given up: after {@code
     * sluice.waitTimeout}, after the client's own limit, or by interrupt. The thread should hold no lock that others need.
     *
     * @param clientMaxNanos the client's own limit for this wait; zero or less means none
     * @return a lease that is held or refused; null: go on without one
     */
    public static @Nullable Lease acquire(Ask ask, long clientMaxNanos) {
        Lease lease = ask(ask);
        if (lease != null && lease.isPending()) {
            lease.await(maxWaitNanos(clientMaxNanos));
        }
        return lease;
    }

    /**
     * Asks for a lease without blocking (but for the very first exchange of the JVM, which may wait some milliseconds for
     * the agent to be ready). The place in the queue is taken here.
     *
     * @return a lease that is held, refused or pending; null: go on without one
     */
    public static @Nullable Lease ask(Ask ask) {
        return ask(ask, null);
    }

    /**
     * The same for an exchange that another thread began.
     *
     * @param context what {@link #captureContext} returned on that thread
     */
    public static @Nullable Lease ask(Ask ask, @Nullable Object context) {
        LimiterTable now = active();
        if (now == null) {
            return null;
        }
        try {
            if (!Ready.isDone()) {
                Ready.await();
            }
            return now.ask(ask, context);
        } catch (Throwable fault) {
            FailOpen.report(fault);
            return null;
        }
    }

    /**
     * The calling thread's trace, for an exchange that it begins and that asks on another thread. Null where there is none;
     * never blocks.
     */
    public static @Nullable Object captureContext() {
        LimiterTable now = active();
        return now == null ? null : now.captureContext();
    }

    /** How long a wait may last: the shorter of {@code sluice.waitTimeout} and the client's own limit; 0 means no limit. */
    public static long maxWaitNanos(long clientMaxNanos) {
        LimiterTable now = table;
        long ours = now == null ? 0 : now.limits().waitTimeoutNanos();
        if (ours <= 0) {
            return Math.max(0, clientMaxNanos);
        }
        return clientMaxNanos <= 0 ? ours : Math.min(ours, clientMaxNanos);
    }

    /**
     * Has a wait that nobody blocks for end as a timeout after {@link #maxWaitNanos}. Never blocks.
     *
     * @return what ends it, to be cancelled when the wait is over sooner; null where it has no limit, or is over already
     */
    public static @Nullable ScheduledFuture<?> endAfter(final Lease lease, long clientMaxNanos) {
        long maxNanos = maxWaitNanos(clientMaxNanos);
        if (maxNanos <= 0 || !lease.isPending()) {
            return null;
        }
        Runnable end = new Runnable() {
            @Override
            public void run() {
                lease.abandon(Wait.Outcome.TIMEOUT);
            }
        };
        return Background.executor().schedule(end, maxNanos, TimeUnit.NANOSECONDS);
    }

    /**
     * Takes room for a new connection, on behalf of an exchange whose client blocks while it connects. Where none is left,
     * closes an idle connection on the calling thread and parks until its socket is closed, or for 30 s where it never is;
     * an interrupt is kept for later.
     *
     * @param lease the exchange's lease; null (no lease: it goes unlimited) gives null
     * @param endsLease whether the exchange ends when this connection is closed
     */
    public static @Nullable Connection open(@Nullable Lease lease, boolean endsLease) {
        Connection connection = begin(lease, endsLease);
        if (connection != null) {
            connection.awaitUninterruptibly(0);
        }
        return connection;
    }

    /**
     * Takes room for a new connection without blocking: {@code whenReady} runs in the background when there is room that
     * was not there at once. That may be at any moment, even before this returns: a caller that goes on by itself where the
     * connection is no longer pending must see to it that only one of the two goes on.
     *
     * @return the connection, pending until there is room. Null: go on unlimited
     */
    public static @Nullable Connection openLater(@Nullable Lease lease, boolean endsLease, Runnable whenReady) {
        Connection connection = begin(lease, endsLease);
        if (connection != null && connection.whenSettled(whenReady)) {
            connection.makeRoomInBackground();
        }
        return connection;
    }

    private static @Nullable Connection begin(@Nullable Lease lease, boolean endsLease) {
        LimiterTable now = table;
        if (now == null || lease == null || !lease.isHeld()) {
            return null;
        }
        try {
            return now.open(lease, endsLease);
        } catch (Throwable fault) {
            FailOpen.report(fault);
            return null;
        }
    }

    /** Gives a lease back; null is none. Never blocks, never throws. */
    public static void release(@Nullable Lease lease) {
        try {
            if (lease != null) {
                lease.release();
            }
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }

    /**
     * The token that stands for a client's pool.
     *
     * @param maxTotal how many connections it holds at most, all servers together; zero or less means no limit
     */
    public static Pool pool(Object clientPool, int maxTotal) {
        Pool pool = POOLS.get(clientPool);
        if (pool == null) {
            pool = POOLS.putIfAbsent(clientPool, new Pool());
        }
        pool.maxTotal(maxTotal);
        return pool;
    }
}
