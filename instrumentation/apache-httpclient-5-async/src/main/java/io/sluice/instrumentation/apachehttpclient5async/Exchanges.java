package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Background;
import io.sluice.bridge.WeakMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;

/**
 * The exchanges by their endpoints. An endpoint that the program has lost instead of releasing can be used by nobody any
 * more: while somebody waits, its lease is taken back within a second of its collection. Thread-safe; no method blocks.
 */
final class Exchanges extends WeakMap<AsyncConnectionEndpoint, AsyncExchange> implements Runnable {
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
    protected void collected(AsyncExchange lost) {
        if (lost.handle() != null) {
            Background.executor().execute(lost);
            lost.end();
        }
    }
}
