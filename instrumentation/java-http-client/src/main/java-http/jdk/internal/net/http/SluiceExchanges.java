package jdk.internal.net.http;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient.Version;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The gate. {@code ExchangeImpl.get} is where every exchange comes by, redirects and retries included, before the client
 * looks into its pools; it returns a future, so a wait is one that completes later and parks nobody. Thread-safe.
 */
public final class SluiceExchanges {
    static final String CLIENT = "java-http-client";

    /** What runs inside {@code ExchangeImpl.get} on this thread. */
    private static final ThreadLocal<@Nullable Passage> CURRENT = new ThreadLocal<>();

    /** Leases whose exchange has found its connection: for exchanges that fail and leave the connection open. */
    private static final WeakMap<Exchange<?>, Lease> LEASES = new WeakMap<>();

    /** The trace of the thread that called {@code send} or {@code sendAsync}: the exchange begins on the executor. */
    private static final WeakMap<MultiExchange<?>, Object> CONTEXTS = new WeakMap<>();

    /** On Java 11: the exchange that this thread has just started. */
    private static final ThreadLocal<@Nullable MultiExchange<?>> STARTED = new ThreadLocal<>();

    /** On Java 11: the exchange that this thread has started last, for {@code send}. */
    private static final ThreadLocal<@Nullable WeakReference<MultiExchange<?>>> SENT = new ThreadLocal<>();

    private SluiceExchanges() {}

    /** One exchange on its way through {@code ExchangeImpl.get}, on one thread. */
    static final class Passage {
        private final Exchange<?> exchange;
        private final @Nullable Passage outer;
        private @Nullable Lease lease;
        /** The HTTP/2 connection on which it goes as a further stream. */
        private final SluiceHttp2.@Nullable State joins;
        /** Whether it has waited and is about to enter {@code get} again. */
        private boolean resumes;

        Passage(
                Exchange<?> exchange,
                @Nullable Passage outer,
                @Nullable Lease lease,
                SluiceHttp2.@Nullable State joins) {
            this.exchange = exchange;
            this.outer = outer;
            this.lease = lease;
            this.joins = joins;
        }

        @Nullable
        Lease takeLease() {
            Lease taken = lease;
            lease = null;
            if (taken != null) {
                LEASES.put(exchange, taken);
            }
            return taken;
        }
    }

    /**
     * Enter advice of {@code ExchangeImpl.get(Exchange, HttpConnection)}. Never blocks.
     *
     * @return a future: the method is skipped and returns that; a {@link Passage}: it runs with that; null: it runs
     */
    public static @Nullable Object enter(Object exchangeObject, @Nullable Object connection) throws Throwable {
        if (connection != null) {
            return null; // the CONNECT request of a tunnel: its connection has its lease
        }
        Exchange<?> exchange = (Exchange<?>) exchangeObject;
        Passage current = CURRENT.get();
        if (current != null && current.resumes && current.exchange == exchange) {
            current.resumes = false;
            return current;
        }
        Version version = exchange.version();
        boolean http2 = version == Version.HTTP_2;
        if (!http2 && version != Version.HTTP_1_1) {
            return null; // HTTP/3: if it falls back to TCP, the connection asks when it is made
        }
        Ask ask = ask(exchange.request());
        if (ask == null) {
            return null;
        }
        if (http2) {
            SluiceHttp2.State active = SluiceHttp2.active(exchange);
            if (active != null && active.join()) {
                return begin(new Passage(exchange, current, null, active));
            }
            if (active != null && SluiceHttp2.active(exchange) == active) {
                return SluiceWaiting.beginForStream(exchange, active);
            }
        }
        return askFor(exchange, current, ask, http2);
    }

    private static @Nullable Object askFor(Exchange<?> exchange, @Nullable Passage current, Ask ask, boolean http2)
            throws Throwable {
        Lease lease = ConnectionGate.ask(ask, CONTEXTS.get(exchange.multi));
        if (lease == null) {
            return null;
        }
        if (lease.isHeld()) {
            return begin(new Passage(exchange, current, lease, null));
        }
        return SluiceWaiting.begin(exchange, lease, http2);
    }

    /** The exchange has its lease now, and enters {@code get} again on this thread. */
    static CompletableFuture<?> resume(Exchange<?> exchange, Lease lease) throws Throwable {
        Passage passage = begin(new Passage(exchange, CURRENT.get(), lease, null));
        passage.resumes = true;
        try {
            return get(exchange);
        } finally {
            if (passage.resumes) {
                end(passage); // the hook is not there, or failed: nobody else will
            }
        }
    }

    /** Enters {@code get} as if for the first time. */
    @SuppressWarnings("NullAway") // the JDK's parameters are not annotated, but those of this package seem to be
    static CompletableFuture<?> get(Exchange<?> exchange) {
        return ExchangeImpl.get(exchange, null);
    }

    private static Passage begin(Passage passage) {
        CURRENT.set(passage);
        return passage;
    }

    /** Exit advice of {@code ExchangeImpl.get}; returns what it is to return. */
    public static @Nullable Object exit(@Nullable Object entered, @Nullable Object result) throws Throwable {
        if (entered instanceof Passage) {
            end((Passage) entered);
        }
        return entered instanceof CompletableFuture ? entered : result;
    }

    private static void end(Passage passage) throws Throwable {
        if (passage.outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(passage.outer);
        }
        Lease unused = passage.lease;
        passage.lease = null;
        if (unused != null && !SluiceHttp2.activate(passage.exchange, unused)) {
            unused.release(); // a further stream needs none; or the client has failed before it found a connection
        }
        if (passage.joins != null) {
            passage.joins.joined();
        }
    }

    /** The lease that the exchange on this thread brought along for the connection that it has just found, or null. */
    static @Nullable Lease takeLease() {
        Passage passage = CURRENT.get();
        return passage == null ? null : passage.takeLease();
    }

    /** What an exchange asks for; null where its URI is none that can be counted. */
    static @Nullable Ask ask(HttpRequestImpl request) {
        URI uri = request.uri();
        String host = uri == null ? null : uri.getHost();
        if (uri == null || host == null) {
            return null;
        }
        boolean secure = request.secure();
        Destination server = Destination.server(secure ? "https" : "http", host, uri.getPort());
        InetSocketAddress proxyAddress = request.proxy();
        Ask ask;
        if (proxyAddress == null) {
            ask = Ask.direct(CLIENT, server);
        } else {
            Destination proxy = Destination.proxy(proxyAddress.getHostString(), proxyAddress.getPort());
            ask = secure || request.isWebSocket()
                    ? Ask.tunnelled(CLIENT, server, proxy)
                    : Ask.proxied(CLIENT, server, proxy);
        }
        return ask.withTraceparent(request.headers().firstValue("traceparent").orElse(null));
    }

    /**
     * Enter advice of {@code Exchange.cancel(IOException)}, which is called for a timeout, too: an exchange that waits
     * leaves the queue. Never blocks.
     *
     * @return the cause with which the client is to go on
     */
    public static IOException cancelled(Object exchange, IOException cause) {
        SluiceWaiting waiting = SluiceWaiting.of((Exchange<?>) exchange);
        return waiting == null ? cause : waiting.cancelled(cause);
    }

    /** Enter advice of {@code MultiExchange.responseAsync}, still on the caller's thread. Never blocks. */
    public static void starting(Object multiExchange) {
        Object context = ConnectionGate.captureContext();
        if (context != null) {
            CONTEXTS.put((MultiExchange<?>) multiExchange, context);
        }
    }

    /** Exit advice of {@code MultiExchange.responseAsync}: looks on for failures. */
    public static void started(Object multiExchange, @Nullable CompletableFuture<?> response) {
        MultiExchange<?> multi = (MultiExchange<?>) multiExchange;
        if (!SluiceInternals.CANCEL_REACHES_EXCHANGE) {
            STARTED.set(multi);
        }
        if (response != null) {
            response.whenComplete((body, failure) -> {
                if (failure != null) {
                    failed(multi.getExchange());
                }
            });
        }
    }

    /**
     * Some failures leave the connection open: that of a response filter up to Java 21 (too many attempts to
     * authenticate), that of the program's body handler always. Nobody can use it any more, so it is closed.
     */
    private static void failed(Exchange<?> exchange) {
        SluiceWaiting waiting = SluiceWaiting.of(exchange);
        if (waiting != null) {
            waiting.cancelled(new IOException("Request cancelled"));
        }
        Lease lease = LEASES.remove(exchange);
        Connection connection = lease == null ? null : lease.connection();
        if (lease == null || !lease.isHeld() || connection == null || connection.lease() != lease) {
            return;
        }
        ExchangeImpl<?> impl = exchange.exchImpl;
        if (impl instanceof Http1Exchange && SluiceConnections.of(impl.connection()) == connection) {
            impl.connection().close();
        }
    }

    /**
     * Exit advice of {@code HttpClientImpl.sendAsync}. On Java 11 nothing else tells that the program has cancelled its
     * future; there the request is sent all the same, but not if it still waits.
     */
    public static void sent(@Nullable CompletableFuture<?> response) {
        MultiExchange<?> multi = STARTED.get();
        if (multi == null) {
            return;
        }
        STARTED.remove();
        SENT.set(new WeakReference<>(multi));
        if (response != null) {
            response.whenComplete((body, failure) -> {
                if (response.isCancelled()) {
                    leaveQueue(multi);
                }
            });
        }
    }

    /** Exit advice of {@code HttpClientImpl.send} that was interrupted: later versions cancel the exchange, Java 11 does not. */
    public static void interrupted() {
        WeakReference<MultiExchange<?>> last = SENT.get();
        MultiExchange<?> multi = last == null ? null : last.get();
        if (multi != null) {
            leaveQueue(multi);
        }
    }

    private static void leaveQueue(MultiExchange<?> multi) {
        SluiceWaiting waiting = SluiceWaiting.of(multi.getExchange());
        if (waiting != null) {
            waiting.cancelled(new IOException("Request cancelled"));
        }
    }
}
