package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.Background;
import io.sluice.bridge.WeakMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.http.conn.ManagedClientConnection;

/**
 * The exchanges by what the client holds during one of them. What the program has lost instead of releasing can be neither
 * read from nor released any more: its lease is taken back within a second of its collection. Thread-safe.
 */
final class Exchanges extends WeakMap<ManagedClientConnection, Exchange> implements Runnable {
    private static final long PAUSE_SECONDS = 1;

    private final AtomicBoolean watching = new AtomicBoolean();

    /** Looks after the lost ones for as long as there are any that could be lost. */
    void watch() {
        if (!watching.get() && watching.compareAndSet(false, true)) {
            Background.executor().schedule(this, PAUSE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Override
    public void run() {
        drop();
        Home.freeTheLost();
        watching.set(false);
        if (size() > 0) {
            watch();
        }
    }

    @Override
    protected void collected(Exchange lost) {
        if (lost.lease() != null) {
            Background.executor().execute(lost);
        }
    }
}
