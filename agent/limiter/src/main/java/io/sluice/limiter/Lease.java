package io.sluice.limiter;

import io.sluice.limiter.Wait.Outcome;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * The right of one exchange to be under way: to a server, and through a proxy where there is one, and within the JVM's
 * total. It is taken in that order, so that holders never wait for each other in a circle, and given back as a whole,
 * once.
 *
 * <p>An exchange in absolute form through a proxy also takes one of the server's places for an open connection for as long
 * as it lasts: the proxy opens a connection to the server on its behalf, and nobody here sees it.
 *
 * <p>Holds nothing of the client's but a weak reference by way of its {@link Connection}.
 */
public final class Lease extends Waiter {
    private static final int SERVER = 0;
    private static final int PROXY = 1;
    private static final int TOTAL = 2;
    private static final int SERVER_ROOM = 3;
    private static final int STAGES = 4;

    private static final AtomicIntegerFieldUpdater<Lease> RELEASED =
            AtomicIntegerFieldUpdater.newUpdater(Lease.class, "released");

    final Ask ask;
    /** The thread that asked, for messages. Its name, not the thread: a lost lease must not keep a thread. */
    final String threadName = Thread.currentThread().getName();

    private @Nullable ConnectionLimiter server;
    private @Nullable ConnectionLimiter proxy;
    private @Nullable ConnectionLimiter total;
    private volatile int released;
    private volatile @Nullable Connection connection;

    private @Nullable Object context;
    private long askedNanos;
    // The stay in the queue that goes on, written with the limiter's lock held.
    private long queuedNanos;
    private String kindOnArrival = "";
    private int limitOnArrival;
    private int pendingOnArrival;
    private volatile @Nullable String refusal;
    /** When a watcher first saw this lease held while somebody waited; 0 before. Guarded by the watcher being one thread. */
    long seenHeldNanos;

    Lease(LimiterTable table, Ask ask) {
        super(table);
        this.ask = ask;
    }

    /** Asks; afterwards this is granted, refused or queued. Never blocks. */
    void begin() {
        ConnectionLimiter first = table.limiter(ask.server);
        int firstStage = SERVER;
        if (first.acquireAtOnce(this)) {
            server = first;
            if (ask.proxy == null && !table.hasTotalLimit()) {
                grantedAtOnce();
                return;
            }
            firstStage = PROXY;
        }
        // Somebody may have to wait: remember the caller's trace before anybody else can end the wait.
        askedNanos = table.clock.nanoTime();
        context = table.captureContext();
        start(firstStage);
    }

    @Override
    int stages() {
        return STAGES;
    }

    @Override
    Answer take(int wanted) {
        switch (wanted) {
            case SERVER:
                return acquire(SERVER, ask.server);
            case PROXY:
                return ask.proxy == null ? Answer.TAKEN : acquire(PROXY, ask.proxy);
            case TOTAL:
                return table.hasTotalLimit() ? acquire(TOTAL, Destination.TOTAL) : Answer.TAKEN;
            default:
                return ask.isPlainlyProxied() ? takeServerRoom() : Answer.TAKEN;
        }
    }

    private Answer acquire(int wanted, Destination destination) {
        for (; ; ) {
            ConnectionLimiter limiter = table.limiter(destination);
            Answer answer = limiter.acquire(this);
            if (answer != Answer.FORGOTTEN) {
                hold(wanted, limiter);
                return answer;
            }
        }
    }

    private Answer takeServerRoom() {
        ConnectionLimiter limiter = held(SERVER);
        if (limiter.reserve(this)) {
            return Answer.TAKEN;
        }
        table.inBackground(limiter.makeRoomTask);
        return Answer.QUEUED;
    }

    private void hold(int stage, ConnectionLimiter limiter) {
        if (stage == SERVER) {
            server = limiter;
        } else if (stage == PROXY) {
            proxy = limiter;
        } else {
            total = limiter;
        }
    }

    private @Nullable ConnectionLimiter heldOrNull(int stage) {
        return stage == PROXY ? proxy : stage == TOTAL ? total : server;
    }

    private ConnectionLimiter held(int stage) {
        ConnectionLimiter limiter = heldOrNull(stage);
        if (limiter == null) {
            throw new IllegalStateException("stage " + stage + " was not asked for");
        }
        return limiter;
    }

    /** The limiter tells what the queue looks like on arrival; called with its lock held. */
    void arrived(String limitKind, int limit, int pending) {
        queuedNanos = table.clock.nanoTime();
        kindOnArrival = limitKind;
        limitOnArrival = limit;
        pendingOnArrival = pending;
    }

    /** When it joined the queue it stands in; called with the limiter's lock held. */
    long queuedNanos() {
        return queuedNanos;
    }

    @Override
    boolean leaveQueue(int stage) {
        ConnectionLimiter limiter = held(stage);
        if (stage == SERVER_ROOM) {
            return limiter.cancelReserve(this);
        }
        return limiter.leave(this);
    }

    @Override
    void giveBack(int stage) {
        ConnectionLimiter limiter = heldOrNull(stage);
        if (stage == SERVER_ROOM) {
            if (ask.isPlainlyProxied() && limiter != null) {
                limiter.freed(false);
            }
        } else if (limiter != null) {
            limiter.release(this);
            if (stage == SERVER && ask.pool != null) {
                ask.pool.giveBack();
            }
        }
    }

    @Override
    @Nullable
    Wait endOfWait(int stage, Outcome how) {
        ConnectionLimiter limiter = held(stage);
        long nowNanos = table.clock.nanoTime();
        if (how != Outcome.GRANTED) {
            refusal = describe(how, nowNanos - askedNanos, limiter);
        }
        if (stage == SERVER_ROOM) {
            return null; // no queue: the time it takes to close an idle connection
        }
        long waitedNanos = nowNanos - queuedNanos;
        return new Wait(
                ask.server,
                ask.proxy,
                limiter.destination,
                kindOnArrival,
                limitOnArrival,
                pendingOnArrival,
                ask.client,
                context,
                ask.traceparent,
                TimeUnit.MILLISECONDS.toNanos(table.clock.epochMillis()) - waitedNanos,
                waitedNanos,
                how);
    }

    private static String describe(Outcome how, long waitedNanos, ConnectionLimiter limiter) {
        if (how == Outcome.QUEUE_FULL) {
            return "refused at once, as many wait already for " + limiter.destination + " " + limiter.figures(0);
        }
        String verb = how == Outcome.TIMEOUT ? "timed out" : how == Outcome.INTERRUPTED ? "interrupted" : "cancelled";
        return verb + " after " + TimeUnit.NANOSECONDS.toMillis(waitedNanos) + " ms waiting for " + limiter.destination
                + " " + limiter.figures(1);
    }

    /**
     * Why the lease was refused, for the exception that the program sees: how long it waited, for what, and the figures of
     * that moment. Empty unless refused.
     */
    public String refusal() {
        String text = refusal;
        return text == null ? "" : text;
    }

    /** What was asked. */
    public Ask ask() {
        return ask;
    }

    /** The connection that this exchange uses now, or null before it has one. */
    public @Nullable Connection connection() {
        return connection;
    }

    void uses(@Nullable Connection now) {
        connection = now;
    }

    /** Whether it was granted and not given back yet. */
    public boolean isHeld() {
        return isGranted() && released == 0;
    }

    /**
     * Gives the lease back: the first waiter of each queue gets it. Idempotent, never blocks, never throws. On a lease that
     * still waits, this cancels.
     */
    public void release() {
        if (isPending() && abandon(Outcome.CANCELLED)) {
            return;
        }
        if (!isGranted() || !RELEASED.compareAndSet(this, 0, 1)) {
            return;
        }
        if (ask.isPlainlyProxied()) {
            giveBack(SERVER_ROOM);
        }
        giveBack(SERVER);
        giveBack(PROXY);
        giveBack(TOTAL);
    }

    /** Counts a lease that was granted before there was a total limit; called with the server's lock held. */
    void adopt(ConnectionLimiter newTotal) {
        if (isGranted() && total == null) {
            total = newTotal;
            newTotal.adopt(this);
        }
    }
}
