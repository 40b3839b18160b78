package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.limiter.Lease;

/** What is known of an endpoint from its lease to its release. Does not reach the endpoint itself. */
final class ClassicExchange {
    final Lease lease;
    final Handle handle;

    ClassicExchange(Lease lease, Handle handle) {
        this.lease = lease;
        this.handle = handle;
    }
}
