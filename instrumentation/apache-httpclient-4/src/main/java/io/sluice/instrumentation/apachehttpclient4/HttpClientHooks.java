package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.Refusal;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpClientConnection;
import org.apache.http.conn.ConnectionRequest;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** What the advice calls. Whatever is not known here goes on unlimited. */
public final class HttpClientHooks {
    private static final WeakMap<ConnectionRequest, Asked> ASKED = new WeakMap<>();
    /** By what the client holds during the exchange: the proxy of one lease; of the basic manager the connection. */
    private static final WeakMap<HttpClientConnection, Exchange> EXCHANGES = new WeakMap<>();

    private HttpClientHooks() {}

    /** {@code requestConnection} returned. Never blocks. */
    public static void requested(
            HttpClientConnectionManager manager, @Nullable HttpRoute route, @Nullable ConnectionRequest request) {
        if (route != null && request != null) {
            Home home = Home.of(manager);
            ASKED.put(request, new Asked(home.ask(manager, route), home));
        }
    }

    /**
     * {@code ConnectionRequest.get} begins: parks until the lease is granted, for the client's own time at most.
     *
     * @return what {@link #taken} is to be given; a {@link Refusal} skips the client's method
     */
    public static @Nullable Object acquire(ConnectionRequest request, long timeout, TimeUnit unit) {
        Asked asked = ASKED.get(request);
        return asked == null ? null : asked.acquire(unit.toNanos(timeout));
    }

    /** What is left of the client's own time after {@link #acquire}. */
    public static long rest(@Nullable Object taking, long timeout, TimeUnit unit) {
        return taking instanceof Asked ? ((Asked) taking).rest(timeout, unit) : timeout;
    }

    /**
     * {@code ConnectionRequest.get} ends.
     *
     * @return what the program is to see thrown, or null
     */
    public static @Nullable Throwable taken(
            @Nullable Object taking, @Nullable HttpClientConnection managed, @Nullable Throwable thrown) {
        if (taking instanceof Refusal) {
            return ((Refusal) taking).exception();
        }
        if (!(taking instanceof Asked)) {
            EXCHANGES.remove(managed);
            return thrown;
        }
        Asked asked = (Asked) taking;
        if (thrown != null || managed == null) {
            asked.failed();
            return thrown;
        }
        try {
            Exchange exchange = EXCHANGES.get(managed);
            if (exchange == null) {
                exchange = new Exchange(managed); // the basic manager's: it has no proxies
                EXCHANGES.put(managed, exchange);
            }
            asked.taken(exchange);
        } catch (Throwable fault) {
            asked.failed();
            throw fault;
        }
        return null;
    }

    /** {@code ConnectionRequest.cancel} ends. Never blocks. */
    public static void cancelled(ConnectionRequest request) {
        Asked asked = ASKED.get(request);
        if (asked != null) {
            asked.cancel();
        }
    }

    /** The pool made a proxy for one lease of an entry. Never blocks. */
    public static void leased(@Nullable PoolEntry<?, ?> entry, @Nullable HttpClientConnection managed) {
        if (entry != null && managed != null) {
            EXCHANGES.put(managed, new Exchange(entry));
        }
    }

    /** {@code connect} begins: parks until there is room for a socket. */
    public static @Nullable Object connecting(
            HttpClientConnectionManager manager, @Nullable HttpClientConnection managed, @Nullable HttpRoute route) {
        Exchange exchange = EXCHANGES.get(managed);
        return exchange == null || route == null ? null : exchange.open(manager, route);
    }

    /** {@code connect} ends. Closes what a failed connect left open, as the client itself is about to do. */
    public static void connected(
            @Nullable Object connecting, @Nullable HttpClientConnection managed, @Nullable Throwable thrown) {
        if (!(connecting instanceof Opening)) {
            return;
        }
        Opening opening = (Opening) connecting;
        Sockets.endOpening(opening.before);
        if (thrown == null) {
            opening.exchange.opened(opening);
            return;
        }
        try {
            if (managed != null) {
                managed.close();
            }
        } catch (IOException | RuntimeException alreadyFailed) {
            // The program sees why the connect failed; there is nothing more to tell.
        } finally {
            opening.connection.closed();
        }
    }

    /** {@code routeComplete} ends. Never blocks. */
    public static void routeComplete(@Nullable HttpClientConnection managed) {
        Exchange exchange = EXCHANGES.get(managed);
        if (exchange != null) {
            exchange.makeKnown();
        }
    }

    /** {@code releaseConnection} ends. Never blocks. */
    public static void released(@Nullable HttpClientConnection managed) {
        Exchange exchange = EXCHANGES.remove(managed);
        if (exchange != null) {
            exchange.end();
        }
    }

    /** {@code shutdown} or {@code close} ends. Never blocks. */
    public static void shutDown(HttpClientConnectionManager manager) {
        Home home = Home.known(manager);
        if (home != null) {
            home.shutDown();
        }
    }
}
