package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.reactor.IOSession;
import org.jspecify.annotations.Nullable;

/**
 * The one HTTP/2 session that a client of HTTP/2 keeps for a host. An exchange is a user from before it asks the client's
 * pool for the session, so a session that nobody uses is one that nobody can be about to use.
 */
final class SessionHandle extends Handle {
    private final Set<GatedSession> waiting = Collections.newSetFromMap(new ConcurrentHashMap<GatedSession, Boolean>(4));
    private volatile WeakReference<IOSession> session = new WeakReference<>(null);

    @Override
    void opened(Connection opened, @Nullable Object kept) {
        session = new WeakReference<>((IOSession) kept);
        super.opened(opened, kept);
    }

    /** As {@link #join}; those who wait for a lease of their own need none then, but can share the session. */
    boolean enter(@Nullable Lease with) {
        if (!join(with)) {
            return false;
        }
        if (with != null) {
            for (GatedSession one : waiting) {
                one.share();
            }
        }
        return true;
    }

    void waits(GatedSession exchange) {
        waiting.add(exchange);
    }

    void waitsNoMore(GatedSession exchange) {
        waiting.remove(exchange);
    }

    /** The pool is closed. */
    void cancelWaiters() {
        for (GatedSession one : waiting) {
            one.poolIsClosed();
        }
    }

    /** The pool finds a closed session and opens another one. With our own lock held, so that nobody joins meanwhile. */
    @Override
    synchronized boolean evict() {
        IOSession idle = session.get();
        if (isInUse() || idle == null) {
            return false;
        }
        idle.close(CloseMode.GRACEFUL);
        abandonLater();
        return true;
    }

    /** Others may use it. */
    @Override
    void closeLost() {}
}
