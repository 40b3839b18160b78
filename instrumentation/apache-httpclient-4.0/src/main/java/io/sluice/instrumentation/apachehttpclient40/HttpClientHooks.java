package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.Refusal;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpResponse;
import org.apache.http.HttpVersion;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.ClientConnectionRequest;
import org.apache.http.conn.ManagedClientConnection;
import org.apache.http.conn.OperatedClientConnection;
import org.apache.http.conn.routing.HttpRoute;
import org.jspecify.annotations.Nullable;

/** What the advice calls. Whatever is not known here goes on unlimited. */
public final class HttpClientHooks {
    private static final WeakMap<ClientConnectionRequest, Asked> ASKED = new WeakMap<>();
    private static final Exchanges EXCHANGES = new Exchanges();
    private static final WeakMap<OperatedClientConnection, ManagedConnection> CONNECTIONS = new WeakMap<>();

    private HttpClientHooks() {}

    /** {@code requestConnection} returned. Never blocks. */
    public static void requested(
            ClientConnectionManager manager, @Nullable HttpRoute route, @Nullable ClientConnectionRequest request) {
        if (route != null && request != null) {
            Home home = Home.of(manager);
            ASKED.put(request, new Asked(home.ask(manager, route), home));
        }
    }

    /**
     * {@code ClientConnectionRequest.getConnection} begins: parks until the lease is granted, for the client's own time at
     * most.
     *
     * @return what {@link #taken} is to be given; a {@link Refusal} skips the client's method
     */
    public static @Nullable Object acquire(ClientConnectionRequest request, long timeout, @Nullable TimeUnit unit) {
        Asked asked = ASKED.get(request);
        if (asked == null) {
            return null;
        }
        return asked.acquire(unit == null ? 0 : unit.toNanos(timeout));
    }

    /** What is left of the client's own time after {@link #acquire}. */
    public static long rest(@Nullable Object taking, long timeout, @Nullable TimeUnit unit) {
        return taking instanceof Asked && unit != null ? ((Asked) taking).rest(timeout, unit) : timeout;
    }

    /** A manager made what the client holds during one exchange, and is about to give it out. */
    public static void leased(
            @Nullable ClientConnectionManager manager,
            @Nullable OperatedClientConnection itself,
            ManagedClientConnection managed) {
        if (manager == null || itself == null) {
            return;
        }
        ManagedConnection known = CONNECTIONS.get(itself);
        if (known == null) {
            Home home = Home.known(manager);
            boolean lockedByManager = home != null && home.since42 && home.single;
            known = CONNECTIONS.putIfAbsent(itself, new ManagedConnection(itself, manager, lockedByManager));
        }
        Exchange exchange = new Exchange(known);
        known.claim(exchange);
        EXCHANGES.put(managed, exchange);
    }

    /**
     * {@code ClientConnectionRequest.getConnection} ends.
     *
     * @return what the program is to see thrown, or null
     */
    public static @Nullable Throwable taken(
            @Nullable Object taking, @Nullable ManagedClientConnection managed, @Nullable Throwable thrown) {
        if (taking instanceof Refusal) {
            return ((Refusal) taking).exception();
        }
        if (!(taking instanceof Asked)) {
            return thrown;
        }
        Asked asked = (Asked) taking;
        Exchange exchange = thrown == null ? EXCHANGES.get(managed) : null;
        if (exchange == null) {
            asked.failed();
            return thrown;
        }
        try {
            asked.taken(exchange);
        } catch (Throwable fault) {
            exchange.end();
            throw fault;
        }
        return null;
    }

    /** {@code ClientConnectionRequest.abortRequest} ends. Never blocks. */
    public static void aborted(ClientConnectionRequest request) {
        Asked asked = ASKED.get(request);
        if (asked != null) {
            asked.abort();
        }
    }

    /** {@code ManagedClientConnection.open} begins: parks until there is room for a socket. */
    public static @Nullable Object opening(
            ManagedClientConnection managed, @Nullable Object entry, @Nullable HttpRoute route) {
        Exchange exchange = EXCHANGES.get(managed);
        if (exchange == null || route == null || managed.isOpen()) {
            return null;
        }
        return exchange.managed.open(exchange.lease(), entry, route);
    }

    /** {@code ManagedClientConnection.open} ends. Never blocks. */
    public static void opened(@Nullable Object opening, @Nullable Throwable thrown) {
        if (!(opening instanceof Opening)) {
            return;
        }
        Opening mine = (Opening) opening;
        Sockets.endOpening(mine.before);
        if (thrown == null) {
            mine.managed.opened(mine.connection);
        } else {
            mine.managed.failed(mine.connection);
        }
    }

    /** {@code receiveResponseHeader} returned. Never blocks. */
    public static void answered(OperatedClientConnection itself, @Nullable HttpResponse response) {
        ManagedConnection known = CONNECTIONS.get(itself);
        Connection answering = known == null ? null : known.answering(itself);
        if (answering != null && response != null && response.getStatusLine() != null) {
            answering.answered(response.getStatusLine().getProtocolVersion().lessEquals(HttpVersion.HTTP_1_0));
        }
    }

    /** {@code ManagedClientConnection.abortConnection} ends. Never blocks. */
    public static void connectionAborted(ManagedClientConnection managed) {
        Exchange exchange = EXCHANGES.get(managed);
        if (exchange != null) {
            exchange.closedFromOutside();
        }
    }

    /** {@code releaseConnection} begins. Never blocks. */
    public static void releasing(@Nullable ManagedClientConnection managed) {
        Exchange exchange = EXCHANGES.get(managed);
        if (exchange != null) {
            exchange.ending();
        }
    }

    /** {@code releaseConnection} ends. Never blocks. */
    public static void released(@Nullable ManagedClientConnection managed) {
        Exchange exchange = EXCHANGES.remove(managed);
        if (exchange != null) {
            exchange.end();
        }
    }

    /** {@code shutdown} ends. Never blocks. */
    public static void shutDown(ClientConnectionManager manager) {
        Home home = Home.known(manager);
        if (home != null) {
            home.shutDown();
        }
    }
}
