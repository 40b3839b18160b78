package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One exchange of a queue that waits for its lease. Runs once there is an answer. Nothing blocks. */
final class LeaseWait implements Runnable {
    private final ExchangeQueue queue;
    private final Object exchange;
    private final QueuedExchange queued;
    private final Lease lease;
    private volatile @Nullable ScheduledFuture<?> timer;

    LeaseWait(ExchangeQueue queue, Object exchange, QueuedExchange queued, Lease lease) {
        this.queue = queue;
        this.exchange = exchange;
        this.queued = queued;
        this.lease = lease;
    }

    /** Waits, at most as long as the agent's own limit says; false if the answer is there already. */
    boolean begin() {
        timer = ConnectionGate.endAfter(lease, 0);
        return lease.whenSettled(this);
    }

    @Override
    public void run() {
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        if (lease.isHeld()) {
            if (queue.isReady(exchange, queued)) {
                queue.goOn();
            } else {
                lease.release();
            }
        } else if (lease.outcome() != Wait.Outcome.GRANTED && queue.waits(queued)) {
            queue.execute(new Runnable() {
                @Override
                public void run() {
                    refuse();
                }
            });
        }
    }

    /** Ends an exchange that gets no lease, with the exceptions that the client itself has for a full queue or a timeout. */
    private void refuse() {
        try {
            JettyTypes.abort(
                    exchange,
                    lease.outcome() == Wait.Outcome.QUEUE_FULL
                            ? new RejectedExecutionException(lease.refusal())
                            : new TimeoutException(lease.refusal()));
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
    }
}
