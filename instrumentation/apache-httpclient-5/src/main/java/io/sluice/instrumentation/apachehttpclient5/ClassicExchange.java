package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Lease;

/** What is known of an endpoint from its lease to its release. Does not reach the endpoint itself. */
final class ClassicExchange implements Runnable {
    final Lease lease;
    final Handle handle;

    ClassicExchange(Lease lease, Handle handle) {
        this.lease = lease;
        this.handle = handle;
    }

    /** The endpoint was lost: closes its connection, for whose room somebody may wait. */
    @Override
    public void run() {
        try {
            handle.closeLost();
        } catch (Exception | LinkageError fault) {
            FailOpen.report(fault);
        }
    }
}
