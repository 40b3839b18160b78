package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Background;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.reactor.IOSession;
import org.jspecify.annotations.Nullable;

/**
 * The one HTTP/2 session that a client of HTTP/2 keeps for a host. An exchange is a user from before it asks the client's
 * pool for the session, so a session that nobody uses is one that nobody can be about to use.
 */
final class SessionHandle extends Handle {
    /** By then the end of TLS has been sent, to say the least. */
    private static final long CLOSING_MILLIS = 50;

    private final Set<GatedSession> waiting =
            Collections.newSetFromMap(new ConcurrentHashMap<GatedSession, Boolean>(4));
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

    /**
     * The pool finds a closed session and opens another one. Nobody joins meanwhile: our own lock is held, inside that of
     * the session, as when the reactor tells of a session that is open.
     */
    @Override
    boolean evict() {
        IOSession idle = session.get();
        if (idle == null) {
            return false;
        }
        idle.getLock().lock();
        try {
            synchronized (this) {
                if (isInUse()) {
                    return false;
                }
                idle.close(CloseMode.GRACEFUL);
            }
        } finally {
            idle.getLock().unlock();
        }
        if (!isClosed()) {
            // The end of TLS is under way, but the peer need not answer, and somebody waits for the room.
            Background.executor()
                    .schedule(() -> idle.close(CloseMode.IMMEDIATE), CLOSING_MILLIS, TimeUnit.MILLISECONDS);
        }
        return true;
    }

    /** Others may use it. */
    @Override
    void closeLost() {}
}
