package io.sluice.instrumentation.httpurlconnection.boot;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import sun.net.www.MessageHeader;
import sun.net.www.http.HttpClient;

/**
 * The life of an exchange of {@code HttpURLConnection}. The objects that the advice passes on are what earlier calls here
 * returned, or null where the exchange goes unlimited.
 */
public final class UrlConnectionHooks {
    /** The client's name in spans. */
    public static final String CLIENT = "http-url-connection";

    /** The exchange whose {@code New} runs on this thread. */
    private static final ThreadLocal<@Nullable Begun> CURRENT = new ThreadLocal<>();

    static final WeakMap<HttpClient, Tracked> TRACKED = new WeakMap<>();

    private UrlConnectionHooks() {}

    /** What is remembered of an HttpClient: how to ask again, and its connection, the newest if it was reopened. */
    static final class Tracked {
        final Ask ask;
        final Connection connection;
        /** Whether a thread is at work finishing its response. */
        final AtomicBoolean finishing = new AtomicBoolean();
        /**
         * The exchange whose response may be finished. Not before HttpURLConnection is done with the head: until then it
         * asks its HttpClient for the stream, or closes it, and the HttpClient might be somebody else's by then.
         */
        volatile @Nullable Lease finishable;

        Tracked(Ask ask, Connection connection) {
            this.ask = ask;
            this.connection = connection;
        }

        boolean isFinishable() {
            Lease exchange = finishable;
            return exchange != null && exchange == connection.lease();
        }
    }

    /** An exchange between the entry and the exit of {@code New}. */
    private static final class Begun {
        final Lease lease;
        final @Nullable Begun outer;

        @Nullable
        HttpClient taken;

        Begun(Lease lease, @Nullable Begun outer) {
            this.lease = lease;
            this.outer = outer;
        }
    }

    /** A socket between the entry and the exit of {@code doConnect}. */
    private static final class Opening {
        final HttpClient client;
        final Connection connection;
        final @Nullable Connection outer;

        Opening(HttpClient client, Connection connection, @Nullable Connection outer) {
            this.client = client;
            this.connection = connection;
            this.outer = outer;
        }
    }

    /** An exchange begins. Parks until it has its lease. */
    public static @Nullable Object begin(URL url, @Nullable Proxy proxy) {
        Lease lease = ConnectionGate.acquire(ask(url, proxy), 0);
        if (lease == null) {
            return null;
        }
        if (!lease.isHeld()) {
            return refusal(lease);
        }
        Begun begun = new Begun(lease, CURRENT.get());
        CURRENT.set(begun);
        return begun;
    }

    private static Ask ask(URL url, @Nullable Proxy proxy) {
        boolean secure = "https".equalsIgnoreCase(url.getProtocol());
        Destination server = Destination.server(url.getProtocol(), url.getHost(), url.getPort());
        // A SOCKS proxy passes bytes on and knows no HTTP: such a connection counts as the server's.
        if (proxy == null || proxy.type() != Proxy.Type.HTTP || !(proxy.address() instanceof InetSocketAddress)) {
            return Ask.direct(CLIENT, server);
        }
        InetSocketAddress address = (InetSocketAddress) proxy.address();
        Destination via = Destination.proxy(address.getHostString(), address.getPort());
        return secure ? Ask.tunnelled(CLIENT, server, via) : Ask.proxied(CLIENT, server, via);
    }

    /** What this client throws when a connection is not to be had: it has no type of its own. */
    private static Refusal refusal(Lease refused) {
        if (refused.outcome() == Wait.Outcome.INTERRUPTED) {
            return new Refusal(new InterruptedIOException(refused.refusal()));
        }
        IOException exception = refused.outcome() == Wait.Outcome.QUEUE_FULL
                ? new ConnectException(refused.refusal())
                : new SocketTimeoutException(refused.refusal());
        return new Refusal(exception);
    }

    /** {@code New} returns a client, or fails; returns what it throws. */
    public static @Nullable Throwable begun(
            @Nullable Object begunOrRefusal, @Nullable Object client, @Nullable Throwable thrown) {
        if (begunOrRefusal instanceof Refusal) {
            return ((Refusal) begunOrRefusal).exception();
        }
        if (!(begunOrRefusal instanceof Begun)) {
            return thrown;
        }
        Begun begun = (Begun) begunOrRefusal;
        if (begun.outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(begun.outer);
        }
        if (begun.taken != null && begun.taken != client) {
            // HttpsClient.New drops a client that it took for a streaming POST and found dead, without closing it.
            begun.taken.closeServer();
        }
        Tracked tracked = client == null ? null : TRACKED.get((HttpClient) client);
        if (thrown != null || tracked == null) {
            begun.lease.release(); // no connection, or one of which we do not know when it ends
        } else if (tracked.connection.lease() != begun.lease && !tracked.connection.use(begun.lease)) {
            begun.lease.release(); // closed while it lay in the cache: when it is opened again, it will ask again
        }
        return thrown;
    }

    /** A client was taken out of the cache. */
    public static void taken(@Nullable Object client) {
        Begun begun = CURRENT.get();
        if (begun != null && client != null) {
            begun.taken = (HttpClient) client;
        }
    }

    /** A socket is about to be opened. Parks until there is room, and for a silent retry until it has a lease. */
    public static @Nullable Object connect(Object networkClient) {
        if (!(networkClient instanceof HttpClient)) {
            return null; // FTP and mail
        }
        HttpClient client = (HttpClient) networkClient;
        Begun begun = CURRENT.get();
        Lease lease = begun == null ? null : begun.lease;
        if (lease == null) {
            Tracked before = TRACKED.get(client);
            lease = before == null ? null : ConnectionGate.acquire(before.ask, 0);
            if (lease != null && !lease.isHeld()) {
                return refusal(lease);
            }
        }
        Connection connection = ConnectionGate.open(lease, true);
        if (connection == null) {
            return null;
        }
        return new Opening(client, connection, Sockets.beginOpening(connection));
    }

    /** The socket is open, or could not be opened; returns what {@code doConnect} throws. */
    public static @Nullable Throwable connected(@Nullable Object openingOrRefusal, @Nullable Throwable thrown) {
        if (openingOrRefusal instanceof Refusal) {
            return ((Refusal) openingOrRefusal).exception();
        }
        if (openingOrRefusal instanceof Opening) {
            Opening opening = (Opening) openingOrRefusal;
            Sockets.endOpening(opening.outer);
            Connection connection = opening.connection;
            Lease lease = connection.lease();
            if (thrown != null || lease == null) {
                connection.closed();
            } else {
                connection.ownedBy(CacheOwner.REFERENCE, opening.client);
                TRACKED.put(opening.client, new Tracked(lease.ask(), connection));
            }
        }
        return thrown;
    }

    /** The client is done with the head of a response. */
    public static void headRead(@Nullable Object client) {
        Tracked tracked = TRACKED.get((HttpClient) client);
        if (tracked != null) {
            tracked.finishable = tracked.connection.lease();
        }
    }

    /** The handshake failed and left the socket open. */
    public static void handshakeFailed(Object client) {
        ((HttpClient) client).closeServer();
    }

    /** A client is about to go back into the cache. */
    public static @Nullable Object returning(@Nullable Object client) {
        Tracked tracked = TRACKED.get((HttpClient) client);
        return tracked == null ? null : tracked.connection.lease();
    }

    /** A client lies in the cache, unless it was closed or taken again meanwhile. */
    public static void returned(Object client, @Nullable Object lease) {
        Tracked tracked = TRACKED.get((HttpClient) client);
        if (tracked != null && lease != null) {
            tracked.connection.idle((Lease) lease);
            ((Lease) lease).release();
        }
    }

    /** The head of a response was read. */
    public static void answered(Object client, @Nullable Object headers) {
        Tracked tracked = TRACKED.get((HttpClient) client);
        if (tracked == null || headers == null) {
            return;
        }
        String statusLine = ((MessageHeader) headers).getValue(0);
        boolean ofTheProxy =
                tracked.ask.isTunnelled() && !(JdkInternals.socket((HttpClient) client) instanceof SSLSocket);
        if (statusLine != null && !ofTheProxy) {
            tracked.connection.answered(statusLine.startsWith("HTTP/1.0"));
        }
    }
}
