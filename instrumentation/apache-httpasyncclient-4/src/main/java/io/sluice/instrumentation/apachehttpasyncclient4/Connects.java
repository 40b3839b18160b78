package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import java.net.SocketAddress;
import java.nio.channels.Selector;
import java.util.Queue;
import org.apache.http.HttpResponse;
import org.apache.http.HttpVersion;
import org.apache.http.ProtocolVersion;
import org.apache.http.impl.nio.reactor.IOReactorConfig;
import org.apache.http.impl.nio.reactor.SessionRequestImpl;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.reactor.ConnectingIOReactor;
import org.apache.http.nio.reactor.IOReactorStatus;
import org.apache.http.nio.reactor.SessionRequest;
import org.apache.http.nio.reactor.SessionRequestCallback;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** What the advice on reactors and connections calls. Thread-safe; no method blocks. */
public final class Connects {
    /** By the route that a request took along, which is an object of its own. */
    private static final WeakMap<Object, Ticket> TICKETS = new WeakMap<>();

    static final WeakMap<PoolEntry<?, ?>, Kept> ENTRIES = new WeakMap<>();

    /** By the client's connection; only where an answer is the server's or proxy's own, not that to a CONNECT. */
    private static final WeakMap<Object, Connection> ANSWERING = new WeakMap<>();

    private Connects() {}

    /** A pool is about to be asked: it may open a connection for this. */
    static void expect(Object ownRoute, Ticket ticket) {
        TICKETS.put(ownRoute, ticket);
    }

    /** The pool has answered. */
    static void expectNoMore(Object ownRoute) {
        TICKETS.remove(ownRoute);
    }

    /**
     * A reactor is to open a connection; called with the pool's lock held.
     *
     * @return a request that the reactor gets when there is room; null: the reactor goes on by itself
     */
    @SuppressWarnings("unchecked")
    public static @Nullable SessionRequest connect(
            ConnectingIOReactor reactor,
            IOReactorConfig config,
            Selector selector,
            Queue<?> queue,
            @Nullable SocketAddress remoteAddress,
            @Nullable SocketAddress localAddress,
            @Nullable Object attachment,
            SessionRequestCallback callback) {
        Ticket ticket = TICKETS.remove(attachment);
        if (ticket == null
                || attachment == null
                || remoteAddress == null
                || reactor.getStatus().compareTo(IOReactorStatus.ACTIVE) > 0) {
            return null; // the reactor has an exception for it
        }
        CountedRequest request = new CountedRequest(
                reactor,
                selector,
                (Queue<SessionRequestImpl>) queue,
                remoteAddress,
                localAddress,
                attachment,
                callback,
                ticket);
        request.setConnectTimeout(config.getConnectTimeout());
        Connection connection = ConnectionGate.openLater(ticket.lease, true, request);
        if (connection != null) {
            request.counts(connection);
            return request;
        }
        if (ticket.lease.isHeld()) {
            return null; // the agent is off, or has failed
        }
        // The request was cancelled while the pool looked for a connection. The pool does not know yet of what it is to
        // forget, and whoever takes its lock next does.
        Background.executor().execute(request::cancel);
        return request;
    }

    /** A pool made an entry for a connection; called with the pool's lock held. */
    public static void entryMade(
            SessionRequest made, @Nullable Object clientConnection, @Nullable PoolEntry<?, ?> entry) {
        if (!(made instanceof CountedRequest) || entry == null) {
            return;
        }
        CountedRequest request = (CountedRequest) made;
        request.becomesEntry();
        Connection connection = request.connection();
        if (connection == null) {
            return;
        }
        Kept kept = new Kept(request.ticket, entry, connection);
        ENTRIES.put(entry, kept);
        request.keptIn(kept);
        if (clientConnection != null && !request.ticket.lease.ask().isTunnelled()) {
            ANSWERING.put(clientConnection, connection);
        }
    }

    /** A connection reaches the server. */
    public static void routeComplete(PoolEntry<?, ?> entry) {
        Kept kept = ENTRIES.get(entry);
        Object clientConnection = entry.getConnection();
        if (kept != null && kept.connection != null && clientConnection != null) {
            ANSWERING.put(clientConnection, kept.connection);
        }
    }

    /** The head of a response was read. */
    public static void answered(NHttpClientConnection clientConnection) {
        Connection connection = ANSWERING.get(clientConnection);
        HttpResponse response = connection == null ? null : clientConnection.getHttpResponse();
        ProtocolVersion version = response == null ? null : response.getProtocolVersion();
        if (connection != null && version != null) {
            connection.answered(version.lessEquals(HttpVersion.HTTP_1_0));
        }
    }
}
