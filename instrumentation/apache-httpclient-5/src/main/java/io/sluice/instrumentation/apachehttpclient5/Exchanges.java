package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.io.ConnectionEndpoint;

/**
 * The exchanges by their endpoints. An endpoint that the program has lost instead of releasing can be neither read from nor
 * released any more: while somebody waits, its lease is taken back within a second of its collection. Thread-safe.
 */
final class Exchanges extends WeakMap<ConnectionEndpoint, ClassicExchange> implements Runnable {
    private static final long PAUSE_SECONDS = 1;

    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicBoolean watching = new AtomicBoolean();

    void beginWait() {
        waiting.incrementAndGet();
        watch();
    }

    void endWait() {
        waiting.decrementAndGet();
    }

    private void watch() {
        if (!watching.get() && watching.compareAndSet(false, true)) {
            Background.executor().schedule(this, PAUSE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Override
    public void run() {
        drop();
        watching.set(false);
        // Whoever began to wait since, and saw the watch still on, is counted already.
        if (waiting.get() > 0) {
            watch();
        }
    }

    @Override
    protected void collected(ClassicExchange lost) {
        Background.executor().execute(lost);
        ConnectionGate.release(lost.lease);
    }
}
