package io.sluice.instrumentation.apachehttpclient5async;

import java.lang.reflect.Method;
import java.util.concurrent.Future;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.reactor.AbstractIOSessionPool;
import org.apache.hc.core5.reactor.IOSession;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** Opens the session of a host, as its pool would have. */
final class SessionOpener implements Opener<IOSession> {
    /** Set while the calling thread opens a session for which there is room. */
    private static final ThreadLocal<@Nullable Boolean> REPEATED = new ThreadLocal<>();

    private final AbstractIOSessionPool<?> pool;
    private final Object endpoint;
    private final @Nullable Timeout timeout;

    SessionOpener(AbstractIOSessionPool<?> pool, Object endpoint, @Nullable Timeout timeout) {
        this.pool = pool;
        this.endpoint = endpoint;
        this.timeout = timeout;
    }

    /** Whether the calling thread opens one of these. */
    static boolean isRepeated() {
        return REPEATED.get() != null;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Future<IOSession> open(FutureCallback<IOSession> callback) throws Exception {
        Method connect = AbstractIOSessionPool.class.getDeclaredMethod(
                "connectSession", Object.class, Timeout.class, FutureCallback.class);
        connect.setAccessible(true);
        REPEATED.set(Boolean.TRUE);
        try {
            return (Future<IOSession>) connect.invoke(pool, endpoint, timeout, callback);
        } finally {
            REPEATED.remove();
        }
    }

    /** The pool keeps what comes. */
    @Override
    public boolean isUnwanted() {
        return false;
    }
}
