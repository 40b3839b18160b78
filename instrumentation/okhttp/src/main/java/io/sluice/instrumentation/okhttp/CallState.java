package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import okhttp3.Address;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/**
 * What is known of whoever OkHttp gives connections to: a {@code StreamAllocation}, a {@code Transmitter} or a {@code
 * RealCall}. Has a lease of its own only while it looks for a connection; then that has it. Thread-safe: a call looks for
 * connections on one thread, connects since 5.0 on others, and is cancelled by any.
 */
final class CallState {
    private volatile boolean finding;
    private volatile boolean cancelled;
    private volatile @Nullable Attempt attempt;
    private volatile @Nullable Carrier carrier;
    private volatile @Nullable Lease lease;
    /** A connection that has promised a stream. Guarded by this. */
    private @Nullable Carrier reserved;
    /** The attempts that connect at this moment, since 5.0. Guarded by this. */
    private final List<PlanState> connecting = new ArrayList<>(0);
    /** Where it wants to go while it waits for a lease. */
    private volatile @Nullable Address wanted;

    /** The connection that the call has, or null. */
    @Nullable
    Carrier carrier() {
        return carrier;
    }

    /** With this locked. */
    List<PlanState> connecting() {
        return connecting;
    }

    @Nullable
    Address wanted() {
        return wanted;
    }

    /**
     * The call looks for a connection, and has none: parks until it may.
     *
     * @return a refusal, or null
     */
    @Nullable
    Refusal begin(Address address, PoolState pool) {
        finding = true;
        if (pool.join(this, address)) {
            return null;
        }
        Object answer;
        wanted = address;
        try {
            answer = acquire(Routes.ask(address), beginAttempt(), pool);
        } finally {
            endAttempt();
            wanted = null;
        }
        if (answer instanceof Lease) {
            lease = (Lease) answer;
        }
        return refusal(answer);
    }

    private @Nullable Refusal refusal(@Nullable Object answer) {
        if (!(answer instanceof Refusal) || reservation() != null) {
            return null;
        }
        finding = false;
        return (Refusal) answer;
    }

    /** The call looks for a connection and has one: it may keep it, or give it back for another. */
    void beginAgain() {
        finding = true;
    }

    /** The call has found a connection, or failed. */
    void end() {
        Lease left;
        Carrier promised;
        synchronized (this) {
            finding = false;
            left = lease;
            lease = null;
            promised = reserved;
            reserved = null;
        }
        if (promised != null) {
            promised.unreserve();
        }
        ConnectionGate.release(left);
    }

    /** A lease, a {@link Refusal}, or null: go on without a lease, unlimited or to the client's own exception. */
    private @Nullable Object acquire(Ask ask, Attempt waiting, @Nullable PoolState pool) {
        Lease asked = ConnectionGate.ask(ask, Traces.current());
        if (asked == null) {
            return null;
        }
        try {
            if (asked.isPending()) {
                await(asked, waiting, pool);
            }
        } catch (Throwable fault) {
            asked.release();
            throw fault;
        }
        if (asked.isHeld()) {
            return asked;
        }
        if (asked.outcome() == Wait.Outcome.CANCELLED) {
            return new Refusal(new IOException("Canceled")); // in OkHttp's words
        }
        return new Refusal(new InterruptedIOException(asked.refusal()));
    }

    private void await(Lease pending, Attempt waiting, @Nullable PoolState pool) {
        if (pool == null) {
            waiting.await(pending, ConnectionGate.maxWaitNanos(0));
            return;
        }
        waiting.begin(pending);
        pool.waits(this);
        try {
            pool.lookAgain(this);
            waiting.await(pending, ConnectionGate.maxWaitNanos(0));
        } finally {
            pool.noLongerWaits(this);
        }
    }

    /** What the call's own thread waits for from now on ends when the call is cancelled. */
    Attempt beginAttempt() {
        Attempt begun = new Attempt();
        attempt = begun;
        if (cancelled) {
            begun.cancel();
        }
        return begun;
    }

    void endAttempt() {
        attempt = null;
    }

    /** The call is cancelled: it waits for nothing any more. Never blocks. */
    void cancel() {
        cancelled = true;
        Attempt now = attempt;
        if (now != null) {
            now.cancel();
        }
    }

    /** While this waits for a lease, a connection has promised a stream. False if it has no use for it. Never blocks. */
    boolean sendAlong(Carrier promising) {
        synchronized (this) {
            Attempt now = attempt;
            if (reserved != null || now == null) {
                return false;
            }
            reserved = promising;
            if (now.end()) {
                return true;
            }
            reserved = null;
            return false;
        }
    }

    /** Goes along with this connection, which has promised a stream. */
    synchronized void join(Carrier promising) {
        reserved = promising;
    }

    private synchronized @Nullable Carrier reservation() {
        return reserved;
    }

    /** The call has this connection. */
    void acquired(Carrier acquired) {
        carrier = acquired;
        acquired.add(this);
    }

    /** The call has given its connection back. */
    void released(Carrier released, boolean closing) {
        if (carrier == released) {
            carrier = null;
        }
        released.remove(this, closing);
    }

    /** The lease becomes a connection's. */
    synchronized @Nullable Lease takeLease() {
        Lease taken = lease;
        lease = null;
        return taken;
    }

    /** The call has given a connection back and looks for the next: it keeps the lease for that. */
    synchronized boolean keepsLease(Lease former) {
        if (!finding || lease != null) {
            return false;
        }
        lease = former;
        return true;
    }

    /**
     * The lease with which a socket is to be opened on this route; parks for one where the call has none, as the connection
     * with which it went along has failed it, or one for another proxy.
     *
     * @return a held lease, a {@link Refusal}, or null: go on unlimited
     */
    @Nullable
    Object leaseFor(Route route, Attempt connecting) {
        Carrier had = carrier;
        if (had != null && had.isOpen()) {
            had = null;
        }
        Lease mine = lease;
        if (mine == null && had != null) {
            mine = had.lease(); // up to 3.13 a call acquires its connection before it is connected
        }
        if (mine != null && Routes.leads(mine.ask(), route)) {
            return mine;
        }
        giveUp(had);
        Object late = acquire(Routes.ask(route), connecting, null);
        return late instanceof Lease ? keep((Lease) late, had) : late;
    }

    private Object keep(Lease late, @Nullable Carrier had) {
        if (had != null && had.take(late)) {
            return late;
        }
        Lease others;
        synchronized (this) {
            if (finding && lease == null) {
                lease = late;
                return late;
            }
            others = lease; // another attempt of the call was quicker; or the call has gone on without this one
        }
        late.release();
        return others != null ? others : new Refusal(new IOException("Canceled"));
    }

    /** What the call was let through the gate with is of no use. */
    private void giveUp(@Nullable Carrier had) {
        Carrier promised;
        synchronized (this) {
            promised = reserved;
            reserved = null;
        }
        if (promised != null) {
            promised.refuse();
            promised.unreserve();
        }
        ConnectionGate.release(takeLease());
        if (had != null) {
            ConnectionGate.release(had.takeLease());
        }
    }

    /** The program has lost the call. Its connection, if it still has one, has an unread rest and goes with it. */
    void lost() {
        Carrier had = carrier;
        if (had != null) {
            carrier = null;
            had.removeLost(this);
        }
    }
}
