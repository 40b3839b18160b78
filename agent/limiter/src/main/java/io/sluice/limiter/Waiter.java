package io.sluice.limiter;

import io.sluice.limiter.Wait.Outcome;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Something that takes grants one after the other, in a fixed order, and may have to queue for each: a {@link Lease} for
 * the right to be under way, a {@link Connection} for the room to open a socket.
 *
 * <pre>
 *            take() grants the last stage
 *  PENDING ---------------------------------&gt; GRANTED
 *   |   ^                                        ^
 *   |   | granted(): the next stage is taken     | a timeout that comes later than the grant changes nothing
 *   |   +-- queued at a ConnectionLimiter -------+
 *   |
 *   +--&gt; REFUSED  (timeout, interrupt, cancel, queue full): leaves the queue; whatever was taken goes back.
 *                 A grant already on its way finds REFUSED and is handed on.
 * </pre>
 *
 * <p>Locks: {@code this} guards the fields below and may be held while a limiter's lock is taken, never the other way
 * round. Nobody parks holding it. The thread that hands a grant over only does bookkeeping of ours: it unparks the
 * waiting thread or gives the callback to the background.
 */
public abstract class Waiter {
    private static final int PENDING = 0;
    private static final int GRANTED = 1;
    private static final int REFUSED = 2;

    /** What a limiter says when something is asked of it. */
    enum Answer {
        TAKEN,
        QUEUED,
        QUEUE_FULL,
        /** The limiter was forgotten between look-up and asking: look it up again. */
        FORGOTTEN
    }

    final LimiterTable table;
    private volatile int state;
    /** The stage that is to be taken next, or is queued for. */
    private int stage;

    private boolean queued;
    private volatile @Nullable Thread parked;
    private @Nullable Runnable callback;
    private Outcome outcome = Outcome.GRANTED;
    /** The refusal of a full queue, until it is reported. */
    private @Nullable Wait turnedAway;

    Waiter(LimiterTable table) {
        this.table = table;
    }

    /** How many grants there are to take. */
    abstract int stages();

    /** Takes one, or queues for it; called with {@code this} held. */
    abstract Answer take(int wanted);

    /** Leaves the queue of a stage; false if a grant is on its way already. Called with {@code this} held. */
    abstract boolean leaveQueue(int wanted);

    /** Gives one back that was taken; called without locks. */
    abstract void giveBack(int taken);

    /** Describes the stay in a stage's queue that ends now; null where it is nobody's business. With {@code this} held. */
    @Nullable
    Wait endOfWait(int waitedStage, Outcome how) {
        return null;
    }

    /** Helps what is queued for along, on the thread of a blocking caller; called without locks. */
    void help() {}

    /** The whole was granted without a queue, before anybody else knew of this object. */
    final void grantedAtOnce() {
        state = GRANTED;
    }

    /** Takes stage by stage from {@code first} until it must queue, is done, or is turned away. Never blocks. */
    final void start(int first) {
        synchronized (this) {
            stage = first;
            advance();
        }
        settle();
    }

    /** With {@code this} held. */
    private void advance() {
        while (stage < stages()) {
            Answer answer = take(stage);
            if (answer == Answer.QUEUED) {
                queued = true;
                return;
            }
            if (answer == Answer.QUEUE_FULL) {
                turnedAway = endOfWait(stage, Outcome.QUEUE_FULL);
                refuse(Outcome.QUEUE_FULL);
                return;
            }
            stage++;
        }
        state = GRANTED;
    }

    /** With {@code this} held. */
    private void refuse(Outcome why) {
        outcome = why;
        state = REFUSED;
    }

    /** The limiter of the current stage hands a grant over; called without locks, on any thread. */
    final void granted() {
        int handed;
        Wait over = null;
        boolean accepted;
        synchronized (this) {
            handed = stage;
            accepted = state == PENDING;
            if (accepted) {
                over = endOfWait(handed, Outcome.GRANTED);
                queued = false;
                stage++;
                advance();
            }
        }
        if (accepted) {
            table.ended(over);
            settle();
        } else {
            giveBack(handed);
        }
    }

    /**
     * Gives up waiting. Never blocks.
     *
     * @return true if this call ended the wait; false if it was over, or, for {@link Outcome#TIMEOUT}, if a grant is on
     *     its way, which is then kept
     */
    public final boolean abandon(Outcome why) {
        int reached;
        Wait over;
        synchronized (this) {
            if (state != PENDING) {
                return false;
            }
            boolean left = queued && leaveQueue(stage);
            if (!left && why == Outcome.TIMEOUT) {
                return false;
            }
            reached = stage;
            over = endOfWait(reached, why);
            refuse(why);
        }
        giveBackBefore(reached);
        table.ended(over);
        settle();
        return true;
    }

    private void giveBackBefore(int reached) {
        for (int taken = reached - 1; taken >= 0; taken--) {
            giveBack(taken);
        }
    }

    /** Wakes whoever waits, once there is an answer; called without locks. */
    private void settle() {
        if (state == PENDING) {
            return;
        }
        Runnable toRun;
        Wait full;
        int reached;
        synchronized (this) {
            toRun = callback;
            callback = null;
            full = turnedAway;
            turnedAway = null;
            reached = stage;
        }
        if (full != null) {
            giveBackBefore(reached);
            table.ended(full);
        }
        Thread thread = parked;
        if (thread != null) {
            LockSupport.unpark(thread);
        }
        if (toRun != null) {
            table.inBackground(toRun);
        }
    }

    /** Whether everything was granted. */
    public final boolean isGranted() {
        return state == GRANTED;
    }

    /** Whether there is no answer yet. */
    public final boolean isPending() {
        return state == PENDING;
    }

    /** How it ended; {@link Outcome#GRANTED} also while pending. */
    public final synchronized Outcome outcome() {
        return outcome;
    }

    /**
     * Parks the calling thread until there is an answer. An interrupt or the end of the time abandons the wait; an
     * interrupt that ended it stays visible in the thread's interrupt status. Returns at once, without looking at the
     * interrupt status, where the answer is there already.
     *
     * @param maxWaitNanos the longest wait from now; zero or less means no limit
     * @return whether it was granted
     */
    public final boolean await(long maxWaitNanos) {
        return await(maxWaitNanos, true);
    }

    /** As {@link #await(long)}; an interrupt does not end the wait but is kept for afterwards. */
    public final boolean awaitUninterruptibly(long maxWaitNanos) {
        return await(maxWaitNanos, false);
    }

    private boolean await(long maxWaitNanos, boolean interruptible) {
        if (state != PENDING) {
            return state == GRANTED;
        }
        help();
        long startNanos = table.clock.nanoTime();
        boolean wasInterrupted = false;
        parked = Thread.currentThread();
        while (state == PENDING) {
            if (Thread.currentThread().isInterrupted()) {
                if (interruptible) {
                    abandon(Outcome.INTERRUPTED);
                    break;
                }
                wasInterrupted |= Thread.interrupted(); // parking would return at once for ever
            }
            if (maxWaitNanos <= 0) {
                LockSupport.park(this);
                continue;
            }
            long leftNanos = maxWaitNanos - (table.clock.nanoTime() - startNanos);
            if (leftNanos > 0) {
                LockSupport.parkNanos(this, leftNanos);
            } else if (!abandon(Outcome.TIMEOUT)) {
                Thread.yield(); // a grant is a few instructions away, on the thread that hands it over
            }
        }
        parked = null;
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
        return state == GRANTED;
    }

    /**
     * Has the callback run in the background once there is an answer. At most one callback.
     *
     * @return false if the answer is there already: the callback is then not kept, and the caller goes on by itself
     */
    public final boolean whenSettled(Runnable newCallback) {
        synchronized (this) {
            if (state != PENDING) {
                return false;
            }
            callback = newCallback;
            return true;
        }
    }
}
