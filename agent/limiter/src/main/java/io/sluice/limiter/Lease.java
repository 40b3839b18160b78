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
    private volatile @Nullable ConnectionLimiter total;
    private volatile int released;
    private volatile @Nullable Connection connection;

    private @Nullable Object context;
    private long askedNanos;
    /** Whether it has stood in a queue: then it is not turned away from the next one. */
    private boolean hasQueued;
    // The stay in the queue that goes on, written with the limiter's lock held.
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
    void begin(@Nullable Object callersContext) {
        int taken = SERVER;
        while (taken < SERVER_ROOM && takeAtOnce(taken)) {
            taken++;
        }
        if (taken == SERVER_ROOM && !ask.isPlainlyProxied()) {
            grantedAtOnce();
            if (total == null && table.hasTotalLimit()) {
                adopt(table.limiter(Destination.TOTAL)); // the limit came to be meanwhile
            }
            return;
        }
        // Somebody may have to wait: remember the caller's trace before anybody else can end the wait.
        askedNanos = table.clock.nanoTime();
        if (taken < SERVER_ROOM) {
            context = callersContext == null ? table.captureContext() : callersContext;
        }
        start(taken);
    }

    /** Gives back whatever was taken before {@link #begin} failed. */
    void discard() {
        discarded();
        for (int stage = SERVER; stage <= TOTAL; stage++) {
            ConnectionLimiter limiter = heldOrNull(stage);
            if (limiter != null) {
                limiter.leave(this);
                limiter.release(this);
            }
        }
    }

    private boolean takeAtOnce(int wanted) {
        Destination destination = destination(wanted);
        if (destination == null) {
            return true;
        }
        ConnectionLimiter limiter = table.limiter(destination);
        if (!limiter.acquireAtOnce(this)) {
            return false;
        }
        hold(wanted, limiter);
        return true;
    }

    private @Nullable Destination destination(int wanted) {
        switch (wanted) {
            case SERVER:
                return ask.server;
            case PROXY:
                return ask.proxy;
            default:
                return table.hasTotalLimit() ? Destination.TOTAL : null;
        }
    }

    @Override
    int stages() {
        return STAGES;
    }

    @Override
    Answer take(int wanted) {
        if (wanted == SERVER_ROOM) {
            return !ask.isPlainlyProxied() || held(SERVER).room.reserve(this) ? Answer.TAKEN : Answer.QUEUED;
        }
        Destination destination = destination(wanted);
        if (destination == null) {
            return Answer.TAKEN;
        }
        for (; ; ) {
            ConnectionLimiter limiter = table.limiter(destination);
            Answer answer = limiter.acquire(this);
            if (answer != Answer.FORGOTTEN) {
                hold(wanted, limiter);
                hasQueued |= answer == Answer.QUEUED;
                return answer;
            }
            table.remove(limiter);
        }
    }

    @Override
    void queued(int queuedStage, boolean onGrant) {
        table.needsCare();
        if (queuedStage == SERVER_ROOM) {
            table.inBackground(held(SERVER).room.makeRoomTask);
        }
    }

    @Override
    void settled() {
        context = null; // the program's; a lease may be held for long
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

    /** The limiter of a stage that was taken or is queued for. */
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

    /** Called with {@code this} held. */
    boolean hasQueued() {
        return hasQueued;
    }

    @Override
    boolean leaveQueue(int stage) {
        ConnectionLimiter limiter = held(stage);
        if (stage == SERVER_ROOM) {
            return limiter.room.leave(this);
        }
        return limiter.leave(this);
    }

    @Override
    void giveBack(int stage) {
        ConnectionLimiter limiter = heldOrNull(stage);
        if (stage == SERVER_ROOM) {
            if (ask.isPlainlyProxied() && limiter != null) {
                limiter.room.freed(false);
            }
        } else if (limiter != null) {
            limiter.release(this);
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
        if (!isGranted() || released != 0) {
            return;
        }
        if (!ask.isPlainlyProxied()) {
            RELEASED.lazySet(this, 1); // enough: a limiter takes back only what is out
        } else if (RELEASED.compareAndSet(this, 0, 1)) {
            giveBack(SERVER_ROOM);
        }
        giveBack(SERVER);
        giveBack(PROXY);
        giveBack(TOTAL);
    }

    /** Where its connection counts: at the server, and at the proxy or null. */
    ConnectionLimiter server() {
        return held(SERVER);
    }

    @Nullable
    ConnectionLimiter proxy() {
        return proxy;
    }

    /** Counts a lease that was granted before there was a total limit; called without locks. */
    void adopt(ConnectionLimiter newTotal) {
        synchronized (this) {
            if (!isGranted() || total != null) {
                return;
            }
            total = newTotal;
            newTotal.adopt(this);
        }
        if (released != 0) {
            newTotal.release(this); // whoever released it may have looked for the total too early
        }
    }
}
