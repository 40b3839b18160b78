package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.bridge.Background;
import io.sluice.bridge.WeakMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.commons.httpclient.HttpConnection;

/**
 * The managers' connections. One that the program has lost instead of releasing gives its lease back within a second of
 * its collection, whoever waits for it: the pool, too, takes lost connections back. Thread-safe.
 */
final class ManagedConnections extends WeakMap<HttpConnection, ManagedConnection> implements Runnable {
    private static final long PAUSE_SECONDS = 1;

    private final AtomicBoolean watching = new AtomicBoolean();

    /** What is known of a connection, from its first exchange on. */
    ManagedConnection of(HttpConnection handle) {
        ManagedConnection known = get(handle);
        return known != null ? known : putIfAbsent(handle, new ManagedConnection());
    }

    /** Looks after the lost ones for as long as there are connections that could be lost. */
    void watch() {
        if (!watching.get() && watching.compareAndSet(false, true)) {
            Background.executor().schedule(this, PAUSE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Override
    public void run() {
        drop();
        watching.set(false);
        if (Home.isAnyInUse()) {
            watch();
        }
    }

    /** Its socket, which the collector closes, is gone with it. */
    @Override
    protected void collected(ManagedConnection lost) {
        lost.end();
        lost.closed();
    }
}
