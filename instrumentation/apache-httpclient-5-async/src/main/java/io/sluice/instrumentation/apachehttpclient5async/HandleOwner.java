package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;

/** Closes idle connections on behalf of the limiter. */
final class HandleOwner implements ConnectionOwner {
    private static final HandleOwner OWNER = new HandleOwner();

    /** Weak, as the limiter wants it; the owner lives as long as its class. */
    static final WeakReference<HandleOwner> REFERENCE = new WeakReference<>(OWNER);

    private HandleOwner() {}

    @Override
    public boolean evict(Object handle) throws Exception {
        // The pools wait for their locks interruptibly, and the thread may be one of the program's that was
        // interrupted.
        boolean interrupted = Thread.interrupted();
        try {
            return ((Handle) handle).evict();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The reactor reads whatever comes; nothing is left unread unless the program's consumer wants it so. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
