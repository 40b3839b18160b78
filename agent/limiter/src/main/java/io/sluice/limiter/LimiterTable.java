package io.sluice.limiter;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * All limiters of a JVM, and the door to them: whoever wants to send a request asks here for a lease, and with the lease in
 * hand for a connection. Thread-safe. No method blocks.
 */
public final class LimiterTable {
    /** Longer than any client takes to close a socket. Room that does not come in this time never will. */
    private static final long ROOM_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    final Clock clock;
    private final ConcurrentHashMap<Destination, ConnectionLimiter> limiters = new ConcurrentHashMap<>();
    private final Executor background;
    private final WaitListener listener;
    private final Reporter reporter;
    private final Runnable onCare;

    private volatile Limits limits;
    /** Whether leases count towards the total; once true it stays so, since what is held must be given back. */
    private volatile boolean totalCounts;

    /**
     * A table without destinations.
     *
     * @param background runs callbacks and closes connections; must not run them on the calling thread
     * @param onCare called whenever there is something to look after, so that somebody calls {@link #watch} now and then
     *     while {@link #anybodyWaits}, and {@link #forgetUnused} until {@link #isEmpty}. Must neither block nor call back
     */
    public LimiterTable(
            Limits limits,
            WaitListener listener,
            Reporter reporter,
            Executor background,
            Clock clock,
            Runnable onCare) {
        this.limits = limits;
        this.listener = listener;
        this.reporter = reporter;
        this.background = background;
        this.clock = clock;
        this.onCare = onCare;
        this.totalCounts = limits.maxConnections() != Limits.UNLIMITED;
    }

    /**
     * Asks for a lease. On return it is granted, refused (the queue is full), or queued; then {@link Waiter#await} parks
     * for it and {@link Waiter#whenSettled} has a callback run. The place in the queue is decided here.
     */
    public Lease ask(Ask ask) {
        return ask(ask, null);
    }

    /**
     * The same for an exchange that another thread began: {@code context} is what {@link #captureContext} returned there,
     * null if nobody called it.
     */
    public Lease ask(Ask ask, @Nullable Object context) {
        Lease lease = new Lease(this, ask);
        boolean done = false;
        try {
            lease.begin(context);
            done = true;
        } finally {
            if (!done) {
                lease.discard(); // nobody will ever hold it
            }
        }
        return lease;
    }

    /**
     * Asks for room to open a connection for the exchange that holds {@code lease}. On return there is room, or it must be
     * waited for: {@link Waiter#await} closes idle connections on the calling thread, an asynchronous caller calls {@link
     * Connection#makeRoomInBackground}. Whatever comes of it, {@link Connection#closed} must be called once the socket is
     * closed or could not be opened, but not after a refusal.
     *
     * @param endsLease whether the end of this connection also ends the exchange that uses it then
     */
    public Connection open(Lease lease, boolean endsLease) {
        Connection connection = new Connection(this, lease, endsLease);
        connection.start(0);
        return connection;
    }

    /** The settings that hold now. */
    public Limits limits() {
        return limits;
    }

    /**
     * Changes the settings, with effect at once: more room wakes waiters, less room interrupts nobody and lets the excess
     * drain, idle connections first. Never blocks.
     */
    public void limits(Limits newLimits) {
        synchronized (this) {
            limits = newLimits;
            if (!totalCounts && newLimits.maxConnections() != Limits.UNLIMITED) {
                totalCounts = true;
                ConnectionLimiter total = limiter(Destination.TOTAL);
                for (ConnectionLimiter limiter : limiters.values()) {
                    if (limiter != total) {
                        limiter.adoptInto(total);
                    }
                }
            }
        }
        for (ConnectionLimiter limiter : limiters.values()) {
            limiter.relimit();
        }
    }

    boolean hasTotalLimit() {
        return totalCounts;
    }

    ConnectionLimiter limiter(Destination destination) {
        ConnectionLimiter found = limiters.get(destination);
        if (found != null) {
            return found;
        }
        ConnectionLimiter made = new ConnectionLimiter(this, destination);
        ConnectionLimiter other = limiters.putIfAbsent(destination, made);
        if (other != null) {
            return other;
        }
        // A change of the settings between reading them and listing the limiter has passed it by.
        made.relimit();
        if (destination.kind()
                == Destination.Kind.SERVER) { // the first that an exchange asks, when it holds no lock yet
            needsCare();
        }
        return made;
    }

    /** The caller found it forgotten: the next look-up must not. */
    void remove(ConnectionLimiter limiter) {
        limiters.remove(limiter.destination, limiter);
    }

    /** Tells the HTTP version of a response of a destination whose connection is not at hand. */
    public void answered(Destination destination, boolean http10) {
        limiter(destination).answered(http10);
    }

    /** Forgets destinations that were not used since the last call and have neither leases nor connections. */
    public void forgetUnused() {
        for (ConnectionLimiter limiter : limiters.values()) {
            if (limiter.forgetIfUnused()) {
                remove(limiter);
            }
        }
    }

    /** Whether no destination is known. */
    public boolean isEmpty() {
        return !limiters.keys().hasMoreElements(); // its count may say zero while others add and remove theirs
    }

    /**
     * Looks after destinations where somebody waits: after {@code unreadNanos} of waiting, lets the clients finish responses
     * that nobody reads; lets in who has waited too long for a client to close a connection; warns of that and of stalls.
     * To be called by one thread at a time, every 50 ms or so while somebody waits.
     *
     * @return whether anybody waits
     */
    public boolean watch(long unreadNanos) {
        long stallNanos = limits.stallWarningNanos();
        for (ConnectionLimiter limiter : limiters.values()) {
            Snapshot now = limiter.snapshot();
            List<Lease> leases = now.pending() > 0 ? limiter.leases() : new ArrayList<Lease>(0);
            String warning = limiter.stallWatch.look(now, leases, clock.nanoTime(), stallNanos);
            if (warning != null) {
                warn(warning);
            }
            limiter.room.tryAgain();
            while (limiter.room.letInOverdue(ROOM_PATIENCE_NANOS)) {
                warn("no idle connection of " + limiter.destination + " was closed within "
                        + TimeUnit.NANOSECONDS.toSeconds(ROOM_PATIENCE_NANOS)
                        + " s to make room; a connection is opened over the limit " + limiter.figures(0));
            }
            if (now.pending() > 0 && now.oldestWaitNanos() >= unreadNanos) {
                finishUnread(leases);
            }
        }
        return anybodyWaits();
    }

    /** Whether an exchange waits anywhere, for a lease or for room to open its connection. */
    public boolean anybodyWaits() {
        for (ConnectionLimiter limiter : limiters.values()) {
            if (limiter.somebodyWaits()) {
                return true;
            }
        }
        return false;
    }

    private static void finishUnread(List<Lease> leases) {
        for (Lease lease : leases) {
            Connection connection = lease.connection();
            if (connection != null) {
                connection.finish();
            }
        }
    }

    /** The figures of every destination known now, in no order. */
    public List<Snapshot> snapshot() {
        List<Snapshot> all = new ArrayList<>();
        for (ConnectionLimiter limiter : limiters.values()) {
            all.add(limiter.snapshot());
        }
        return all;
    }

    /** The figures of one destination; those of an unused one where it is not known. */
    public Snapshot snapshot(Destination destination) {
        ConnectionLimiter found = limiters.get(destination);
        return (found != null ? found : new ConnectionLimiter(this, destination)).snapshot();
    }

    /** Runs a task that may be run twice in the background. */
    void inBackground(Runnable task) {
        try {
            background.execute(task);
        } catch (Throwable fault) {
            fault(fault);
            try {
                task.run(); // better here than never: somebody waits for it
            } catch (Throwable another) {
                fault(another);
            }
        }
    }

    /** There is something to look after. Never throws: an exchange that was queued must not get lost on the way. */
    void needsCare() {
        try {
            onCare.run();
        } catch (Throwable fault) {
            fault(fault);
        }
    }

    /** What the listener needs to know of the calling thread, should the exchange that it begins have to wait. */
    public @Nullable Object captureContext() {
        try {
            return listener.captureContext();
        } catch (Throwable fault) {
            fault(fault);
            return null;
        }
    }

    void ended(@Nullable Wait wait) {
        if (wait == null) {
            return;
        }
        try {
            listener.ended(wait);
        } catch (Throwable fault) {
            fault(fault);
        }
    }

    private void warn(String message) {
        try {
            reporter.warn(message);
        } catch (Throwable fault) {
            fault(fault);
        }
    }

    void fault(Throwable fault) {
        try {
            reporter.fault(fault);
        } catch (Throwable ignored) {
            // Whoever takes the reports has failed: there is nobody left to tell.
        }
    }
}
