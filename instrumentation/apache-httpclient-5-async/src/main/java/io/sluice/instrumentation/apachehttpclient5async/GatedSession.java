package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import java.util.concurrent.Future;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.reactor.AbstractIOSessionPool;
import org.apache.hc.core5.reactor.IOSession;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** An exchange that asks a pool of HTTP/2 sessions for the session of its host. Thread-safe. */
final class GatedSession extends Gated<IOSession> {
    private final AbstractIOSessionPool<Object> pool;
    private final Object endpoint;
    private final @Nullable Timeout connectTimeout;
    private final SessionHandle handle;
    private final SessionExchange exchange;

    @SuppressWarnings("TooManyParameters")
    GatedSession(
            AbstractIOSessionPool<Object> pool,
            Object endpoint,
            @Nullable Timeout connectTimeout,
            @Nullable FutureCallback<IOSession> callback,
            Ask ask,
            SessionHandle handle,
            SessionExchange exchange) {
        super(ask, exchange.timeoutNanos(), callback);
        this.pool = pool;
        this.endpoint = endpoint;
        this.connectTimeout = connectTimeout;
        this.handle = handle;
        this.exchange = exchange;
    }

    @Override
    Future<IOSession> call(long waitedNanos) {
        SessionExchange outer = SessionExchange.begin(null);
        try {
            return pool.getSession(endpoint, connectTimeout, this);
        } finally {
            SessionExchange.end(outer);
        }
    }

    @Override
    boolean canShare() {
        return handle.isInUse();
    }

    @Override
    boolean enter(@Nullable Lease with) {
        if (!handle.enter(with)) {
            return false;
        }
        disown();
        exchange.joined(handle);
        return true;
    }

    @Override
    void waits() {
        handle.waits(this);
    }

    @Override
    void waitsNoMore() {
        handle.waitsNoMore(this);
    }

    @Override
    void gone() {
        exchange.end();
    }

    @Override
    public void completed(IOSession session) {
        result.completed(session);
    }
}
