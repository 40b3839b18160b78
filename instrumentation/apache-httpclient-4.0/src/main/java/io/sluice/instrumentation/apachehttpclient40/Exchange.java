package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Lease;
import org.jspecify.annotations.Nullable;

/**
 * What the client leased once: from {@code getConnection} to {@code releaseConnection}. Used by one thread at a time but for
 * an abort, which closes the connection first and then comes to {@link #end}.
 */
final class Exchange implements Runnable {
    final ManagedConnection managed;

    private volatile @Nullable Lease lease;
    private volatile @Nullable Home home;
    private volatile boolean ending;

    Exchange(ManagedConnection managed) {
        this.managed = managed;
    }

    /** The lease is this exchange's from now on. */
    void begin(Lease granted, Home newHome) {
        lease = granted;
        home = newHome;
        newHome.add(this);
        managed.use(granted);
    }

    /** The lease, while it lasts; null: this exchange is unlimited. */
    @Nullable
    Lease lease() {
        return lease;
    }

    /** The client begins to give the connection back. */
    void ending() {
        ending = true;
    }

    /** Whether the client is giving the connection back, or has done so. */
    boolean isEnding() {
        return ending;
    }

    /** The client gave the connection back: it is idle, unless closed or taken by another exchange already. */
    void end() {
        ending = true;
        Lease held = lease;
        try {
            Home from = home;
            if (from != null) {
                from.remove(this);
            }
            managed.laidDown(this, held);
        } finally {
            ConnectionGate.release(held);
        }
    }

    /** Its connection was closed by the manager or by an abort, and cannot be used again: the lease has no use either. */
    void closedFromOutside() {
        Home from = home;
        if (managed.isClosed() && from != null) {
            from.remove(this);
            ConnectionGate.release(lease);
        }
    }

    /** The program lost the connection without giving it back: closes it, and only then gives the lease back. */
    @Override
    public void run() {
        managed.close();
        ConnectionGate.release(lease);
    }
}
