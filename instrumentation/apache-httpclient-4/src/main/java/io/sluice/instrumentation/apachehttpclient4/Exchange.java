package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import org.apache.http.HttpClientConnection;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.conn.ManagedHttpClientConnection;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/**
 * What the client leased once: from {@code ConnectionRequest.get} to {@code releaseConnection}. Used by one thread at a
 * time but for an abort, which closes the connection first and then comes to {@link #end}.
 */
final class Exchange {
    /** The pool's entry; of the basic manager the connection itself. Weak: it must not keep what it is looked up by. */
    private final WeakReference<Object> kept;

    private volatile @Nullable Lease lease;
    private volatile @Nullable Home home;
    private volatile @Nullable Connection connection;

    Exchange(Object kept) {
        this.kept = new WeakReference<>(kept);
    }

    /** The client's connection itself, not the proxy of one lease; null when the pool has dropped it. */
    private @Nullable HttpClientConnection itself() {
        Object now = kept.get();
        Object found = now instanceof PoolEntry ? ((PoolEntry<?, ?>) now).getConnection() : now;
        return found instanceof HttpClientConnection ? (HttpClientConnection) found : null;
    }

    /** The lease is this exchange's from now on. */
    void begin(Lease granted, Home newHome) {
        lease = granted;
        home = newHome;
        newHome.add(this);
        Connection pooled = Sockets.of(itself());
        if (pooled != null && pooled.use(granted)) {
            connection = pooled;
        }
    }

    /** Takes room for a socket and parks until there is some; null: go on unlimited. */
    @Nullable
    Opening open(HttpClientConnectionManager manager, HttpRoute route) {
        Lease held = lease;
        Object handle = kept.get();
        if (held == null || handle == null) {
            return null;
        }
        Connection former = connection;
        if (former != null) {
            former.closed(); // the client connects anew because it is: stale, or not to be kept after a challenge
        }
        Connection opened = ConnectionGate.open(held, false);
        if (opened == null) {
            return null;
        }
        try {
            opened.ownedBy(ManagerOwner.REFERENCE, handle);
            ManagerOwner.remember(handle, manager);
            connection = opened;
            return new Opening(this, opened, route.isTunnelled(), Sockets.beginOpening(opened));
        } catch (Throwable fault) {
            opened.closed();
            throw fault;
        }
    }

    /** The socket is connected. */
    void opened(Opening opening) {
        Connection opened = opening.connection;
        HttpClientConnection client = itself();
        if (client instanceof ManagedHttpClientConnection) {
            Socket socket = ((ManagedHttpClientConnection) client).getSocket();
            // A factory of the program's may connect otherwise than by Socket.connect. Under TLS this is not the socket
            // that was connected.
            if (socket != null && !(socket instanceof SSLSocket) && Sockets.of(socket) == null && !opened.isClosed()) {
                Sockets.opened(socket, opened);
            }
        }
        if (!opening.tunnelled) {
            makeKnown();
        }
    }

    /**
     * The client's connection stands for its socket from now on: for the next exchange that finds it in the pool, and for
     * {@link Answers}. Through a proxy's tunnel not before that leads to the server, as the answer to CONNECT tells
     * nothing about the server.
     */
    void makeKnown() {
        Connection opened = connection;
        HttpClientConnection client = itself();
        if (opened != null && client != null && !opened.isClosed()) {
            Sockets.opened(client, opened);
        }
    }

    /** The client gave the connection back: it is idle, unless closed or taken by another exchange already. */
    void end() {
        Lease held = lease;
        if (held == null) {
            return;
        }
        try {
            Home from = home;
            if (from != null) {
                from.remove(this);
            }
            Connection mine = connection;
            if (mine != null) {
                mine.idle(held);
            }
        } finally {
            held.release();
        }
    }

    /** The manager has closed what there was to close, or nobody can use it any more: the lease has no use either. */
    void closedByManager() {
        Home from = home;
        if (connection != null && from != null) {
            from.remove(this);
            ConnectionGate.release(lease);
        }
    }
}
