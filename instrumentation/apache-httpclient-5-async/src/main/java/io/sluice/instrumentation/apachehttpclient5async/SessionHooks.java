package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.WatchedMap;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.reactor.AbstractIOSessionPool;
import org.apache.hc.core5.reactor.IOSession;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * What the advice on the clients calls that speak HTTP/2 only: these keep one session for each host. Thread-safe; no method
 * blocks.
 */
public final class SessionHooks {
    /** By the pools, and then by the hosts as the pools know them: HttpHost up to 5.3, HttpRoute later. */
    private static final WeakMap<AbstractIOSessionPool<?>, ConcurrentHashMap<Object, SessionHandle>> HANDLES =
            new WeakMap<>();

    private static final WatchedMap<Object, SessionExchange> EXCHANGES = new WatchedMap<Object, SessionExchange>() {
        @Override
        protected void collected(SessionExchange lost) {
            lost.end();
        }
    };

    private SessionHooks() {}

    /**
     * The client acquires a session for one exchange on the calling thread.
     *
     * @param runtime what the client has for that exchange
     * @param session what it has got already
     * @return for {@link #acquired}
     */
    public static @Nullable Object acquiring(
            Object runtime, @Nullable AtomicReference<?> session, @Nullable HttpClientContext context) {
        if (session == null || session.get() != null) {
            return null;
        }
        RequestConfig config = context == null ? null : context.getRequestConfig();
        Timeout timeout = config == null ? null : config.getConnectionRequestTimeout();
        SessionExchange exchange = new SessionExchange(
                timeout != null && TimeValue.isPositive(timeout)
                        ? timeout.getTimeUnit().toNanos(timeout.getDuration())
                        : 0);
        SessionExchange before = EXCHANGES.put(runtime, exchange);
        if (before != null) {
            before.end();
        }
        return new Asking(SessionExchange.begin(exchange));
    }

    /**
     * The minimal client executes an exchange on the calling thread.
     *
     * @return what tells us of the exchange's end
     */
    public static @Nullable CountedHandler executing(@Nullable AsyncClientExchangeHandler handler) {
        return handler == null ? null : new CountedHandler(handler, new SessionExchange(0));
    }

    /** The calling thread is about to ask on behalf of this exchange; for {@link #acquired}. */
    public static Object asking(CountedHandler handler) {
        return new Asking(SessionExchange.begin(handler.exchange()));
    }

    /** The calling thread has asked. */
    public static void acquired(Object asking) {
        SessionExchange.end(((Asking) asking).outer);
    }

    /** The client may have let go of its session. */
    public static void maybeReleased(Object runtime, @Nullable AtomicReference<?> session) {
        if (session != null && session.get() == null) {
            SessionExchange ended = EXCHANGES.remove(runtime);
            if (ended != null) {
                ended.end();
            }
        }
    }

    /**
     * A pool is asked for the session of a host.
     *
     * @return null: the pool goes on by itself
     */
    @SuppressWarnings("unchecked")
    public static @Nullable Gated<IOSession> getting(
            AbstractIOSessionPool<?> pool,
            @Nullable Object endpoint,
            @Nullable Timeout connectTimeout,
            @Nullable FutureCallback<IOSession> callback) {
        SessionExchange exchange = SessionExchange.current();
        Ask ask = exchange == null ? null : ask(endpoint);
        if (exchange == null || ask == null || endpoint == null) {
            return null;
        }
        ConcurrentHashMap<Object, SessionHandle> handles = HANDLES.get(pool);
        if (handles == null) {
            handles = HANDLES.putIfAbsent(pool, new ConcurrentHashMap<>(4));
        }
        SessionHandle handle = handles.get(endpoint);
        if (handle == null) {
            SessionHandle made = new SessionHandle();
            SessionHandle other = handles.putIfAbsent(endpoint, made);
            handle = other == null ? made : other;
        }
        GatedSession session = new GatedSession(
                (AbstractIOSessionPool<Object>) pool, endpoint, connectTimeout, callback, ask, handle, exchange);
        return session.ask() ? session : null;
    }

    private static @Nullable Ask ask(@Nullable Object endpoint) {
        if (endpoint instanceof HttpRoute) {
            return Routes.ask((HttpRoute) endpoint);
        }
        return endpoint instanceof HttpHost ? Ask.direct(Routes.CLIENT, Routes.server((HttpHost) endpoint)) : null;
    }

    /**
     * A pool opens the session of a host.
     *
     * @return null: nobody counts it
     */
    public static @Nullable GatedConnect<IOSession> connecting(
            AbstractIOSessionPool<?> pool,
            @Nullable Object endpoint,
            @Nullable Timeout timeout,
            @Nullable FutureCallback<IOSession> callback) {
        ConcurrentHashMap<Object, SessionHandle> handles = SessionOpener.isRepeated() ? null : HANDLES.get(pool);
        SessionHandle handle = handles == null || endpoint == null ? null : handles.get(endpoint);
        if (handle == null || endpoint == null) {
            return null;
        }
        GatedConnect<IOSession> connect =
                new GatedConnect<>(new SessionOpener(pool, endpoint, timeout), handle, callback);
        return connect.ask(handle.lease()) ? connect : null;
    }

    /** A pool is closed. */
    public static void closed(AbstractIOSessionPool<?> pool) {
        ConcurrentHashMap<Object, SessionHandle> handles = HANDLES.get(pool);
        if (handles != null) {
            for (SessionHandle handle : handles.values()) {
                handle.cancelWaiters();
            }
        }
    }

    /** On whose behalf the thread asked before. */
    private static final class Asking {
        final @Nullable SessionExchange outer;

        Asking(@Nullable SessionExchange outer) {
            this.outer = outer;
        }
    }
}
