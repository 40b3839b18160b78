package io.sluice.limiter;

import io.sluice.limiter.Wait.Outcome;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReference;
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

    private static final AtomicIntegerFieldUpdater<Waiter> STATE =
            AtomicIntegerFieldUpdater.newUpdater(Waiter.class, "state");

    private static final long GRANT_IS_COMING_NANOS = 1_000_000;

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

    /** When this joined the queue in which it stands; written with {@code this} and the limiter's lock held. */
    long queuedNanos;

    private volatile @Nullable Thread parked;
    private @Nullable Callback callback;
    private Outcome outcome = Outcome.GRANTED;

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

    /**
     * This now stands in a stage's queue, or did a moment ago; called without locks.
     *
     * @param onGrant whether a grant of the stage before brought it there, on a thread that is not the asking one
     */
    abstract void queued(int queuedStage, boolean onGrant);

    /** The answer is there: lets go of what only waiting needed. Called with {@code this} held. */
    void settled() {}

    /** Helps what is queued for along, on the thread of a blocking caller; called without locks. */
    void help() {}

    /** The whole was granted without a queue, before anybody else knew of this object. */
    final void grantedAtOnce() {
        STATE.lazySet(this, GRANTED); // no fence: whoever hears of this object hears of its state
    }

    /** Something failed on the way here: from now on nothing is granted. */
    final synchronized void discarded() {
        answer(REFUSED, Outcome.CANCELLED);
    }

    /** Takes stage by stage from {@code first} until it must queue, is done, or is turned away. Never blocks. */
    final void start(int first) {
        int reached;
        Wait turnedAway = null;
        synchronized (this) {
            stage = first;
            if (!advance()) {
                turnedAway = endOfWait(stage, Outcome.QUEUE_FULL);
                answer(REFUSED, Outcome.QUEUE_FULL);
            }
            reached = stage;
        }
        if (turnedAway != null) {
            giveBackBefore(reached);
            table.ended(turnedAway);
        } else if (state == PENDING) {
            queued(reached, false);
        }
    }

    /** With {@code this} held; false if it was turned away. */
    private boolean advance() {
        while (stage < stages()) {
            Answer answer = take(stage);
            if (answer != Answer.TAKEN) {
                return answer != Answer.QUEUE_FULL;
            }
            stage++;
        }
        answer(GRANTED, Outcome.GRANTED);
        return true;
    }

    /** With {@code this} held. */
    private void answer(int newState, Outcome why) {
        outcome = why;
        settled();
        state = newState;
    }

    /**
     * The limiter of the current stage hands a grant over; called without locks, on any thread.
     *
     * @return false if this gave up meanwhile: the limiter has the grant back
     */
    final boolean granted() {
        int reached;
        Wait over;
        synchronized (this) {
            if (state != PENDING) {
                return false;
            }
            over = endOfWait(stage, Outcome.GRANTED);
            stage++;
            advance(); // never turned away: only newcomers are
            reached = stage;
        }
        table.ended(over);
        if (state == PENDING) {
            queued(reached, true);
        } else {
            wake();
        }
        return true;
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
            if (!leaveQueue(stage) && why == Outcome.TIMEOUT) {
                return false;
            }
            reached = stage;
            over = endOfWait(reached, why);
            answer(REFUSED, why);
        }
        giveBackBefore(reached);
        table.ended(over);
        wake();
        return true;
    }

    private void giveBackBefore(int reached) {
        for (int taken = reached - 1; taken >= 0; taken--) {
            giveBack(taken);
        }
    }

    /** Wakes whoever waits for the answer; called without locks. */
    private void wake() {
        Callback toRun;
        synchronized (this) {
            toRun = callback;
            callback = null;
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
            } else if (!abandon(Outcome.TIMEOUT) && state == PENDING) {
                // A grant is a few instructions away, on the thread that hands it over and then unparks this one.
                LockSupport.parkNanos(this, GRANT_IS_COMING_NANOS);
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
            callback = new Callback(newCallback);
            return true;
        }
    }

    /** Runs once, however often it is told to: an executor may fail and yet have kept its task. */
    private final class Callback extends AtomicReference<Runnable> implements Runnable {
        Callback(Runnable task) {
            super(task);
        }

        @Override
        public void run() {
            Runnable task = getAndSet(null);
            if (task == null) {
                return;
            }
            try {
                task.run();
            } catch (Throwable fault) {
                table.fault(fault);
            }
        }
    }
}
