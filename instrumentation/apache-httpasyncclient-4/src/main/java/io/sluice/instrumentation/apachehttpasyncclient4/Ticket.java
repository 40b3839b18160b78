package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import org.apache.http.nio.pool.AbstractNIOConnPool;

/** On behalf of which lease, and for which pool, a connection may be opened. Immutable; reaches nothing of the client's. */
final class Ticket {
    final Lease lease;
    final WeakReference<? extends AbstractNIOConnPool<?, ?, ?>> pool;

    Ticket(Lease lease, WeakReference<? extends AbstractNIOConnPool<?, ?, ?>> pool) {
        this.lease = lease;
        this.pool = pool;
    }
}
