package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.limiter.Lease;

/** A lease that has no connection yet, on the way from the beginning of the client's method to its end. */
final class Granted {
    final Home home;
    final Lease lease;
    /** What the wait has left of the client's own limit; zero or less: there is none. */
    final long restMillis;

    Granted(Home home, Lease lease, long restMillis) {
        this.home = home;
        this.lease = lease;
        this.restMillis = restMillis;
    }
}
