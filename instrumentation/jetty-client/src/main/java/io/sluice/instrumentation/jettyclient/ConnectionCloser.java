package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.FailOpen;
import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;

/** Closes idle connections on behalf of the limiter. */
final class ConnectionCloser implements ConnectionOwner {
    private static final ConnectionCloser OWNER = new ConnectionCloser();

    /** Weak, as the limiter wants it; the owner lives as long as its class. */
    static final WeakReference<ConnectionCloser> REFERENCE = new WeakReference<>(OWNER);

    private ConnectionCloser() {}

    /** Closes on a thread of the client: closing may send what waits in the queue, which calls the program's listeners. */
    @Override
    public boolean evict(final Object connection) {
        ConnectionUse use = JettyHooks.use(connection);
        ExchangeQueue queue = use == null ? null : use.queue();
        if (use == null || queue == null || !use.evict()) {
            return false;
        }
        queue.execute(new Runnable() {
            @Override
            public void run() {
                try {
                    JettyTypes.close(connection);
                } catch (Throwable fault) {
                    FailOpen.report(fault);
                }
            }
        });
        return true;
    }

    /** What is unread lies with the program's listeners, which decide when they want more. */
    @Override
    public boolean finish(Object connection) {
        return false;
    }
}
