package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import org.apache.http.HttpHost;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.OperatedClientConnection;
import org.apache.http.conn.routing.HttpRoute;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one {@code OperatedClientConnection}, from one exchange to the next: it stays with its entry, while each
 * exchange has a {@code ManagedClientConnection} of its own. Thread-safe. A lock is held while the connection is evicted, so
 * that whoever claims it finds it open or closed but nothing between; nobody waits for a lease or for room with it.
 */
final class ManagedConnection {
    private final WeakReference<OperatedClientConnection> client;
    private final WeakReference<ClientConnectionManager> manager;
    /** Whether the manager's own monitor is the lock: it is held where a basic manager leases, and where it closes. */
    private final boolean lockedByManager;

    private volatile WeakReference<Object> entry = new WeakReference<>(null);
    private volatile @Nullable Connection connection;
    /** The first proxy on the way through a tunnel, or null. */
    private volatile @Nullable HttpHost tunnelEntrance;
    /** The exchange that has the connection. */
    private @Nullable Exchange claimant;

    ManagedConnection(OperatedClientConnection client, ClientConnectionManager manager, boolean lockedByManager) {
        this.client = new WeakReference<>(client);
        this.manager = new WeakReference<>(manager);
        this.lockedByManager = lockedByManager;
    }

    private Object lock() {
        ClientConnectionManager known = lockedByManager ? manager.get() : null;
        return known == null ? this : known;
    }

    /** The manager gave the connection out: from now on it is not evicted. */
    void claim(Exchange exchange) {
        synchronized (lock()) {
            claimant = exchange;
        }
    }

    /** The exchange that has the connection has this lease. */
    void use(Lease granted) {
        Connection pooled = connection;
        if (pooled != null) {
            pooled.use(granted);
        }
    }

    /** The manager took the connection back. */
    void laidDown(Exchange former, @Nullable Lease held) {
        synchronized (lock()) {
            if (claimant == former) {
                claimant = null;
            }
        }
        Connection mine = connection;
        if (mine != null && held != null) {
            mine.idle(held);
        }
    }

    /** Takes room for a socket and parks until there is some; null: go on unlimited. */
    @Nullable
    Opening open(@Nullable Lease held, @Nullable Object newEntry, HttpRoute route) {
        Connection former = connection;
        if (former != null) {
            former.closed(); // the client connects anew because it is: stale, or not to be kept after a challenge
        }
        Connection opened = newEntry == null ? null : ConnectionGate.open(held, false);
        if (opened == null) {
            return null;
        }
        try {
            opened.ownedBy(ManagedConnectionOwner.REFERENCE, this);
            entry = new WeakReference<>(newEntry);
            tunnelEntrance = route.isTunnelled() ? route.getProxyHost() : null;
            connection = opened;
            return new Opening(this, opened, Sockets.beginOpening(opened));
        } catch (Throwable fault) {
            opened.closed();
            throw fault;
        }
    }

    /** The socket is connected. */
    void opened(Connection opened) {
        OperatedClientConnection itself = client.get();
        Socket socket = itself == null ? null : itself.getSocket();
        // A factory of the program's may connect otherwise than by Socket.connect. Under TLS this is not the socket
        // that
        // was connected.
        if (socket != null && !(socket instanceof SSLSocket) && Sockets.of(socket) == null && !opened.isClosed()) {
            Sockets.opened(socket, opened);
        }
    }

    /** The connect failed: closes what it left open, as the client itself is about to do. */
    void failed(Connection opened) {
        OperatedClientConnection itself = client.get();
        if (itself != null && !itself.isOpen()) {
            close(itself.getSocket());
        }
        opened.closed();
    }

    /** The connection that has just answered, or null where it is the proxy that answered to CONNECT. */
    @Nullable
    Connection answering(OperatedClientConnection itself) {
        HttpHost entrance = tunnelEntrance;
        return entrance != null && entrance.equals(itself.getTargetHost()) ? null : connection;
    }

    /** Whether there was a connection and it is closed. */
    boolean isClosed() {
        Connection mine = connection;
        return mine != null && mine.isClosed();
    }

    /** Closes the connection unless the manager has given it out. */
    boolean evict() {
        ClientConnectionManager itsManager = manager.get();
        OperatedClientConnection itself = client.get();
        Object itsEntry = entry.get();
        if (itsManager == null || itself == null || itsEntry == null) {
            return false;
        }
        synchronized (lock()) {
            if (claimant != null) {
                return false;
            }
            if (Entries.isOld(itsEntry)) {
                Entries.forgetRoute(itsEntry);
                close();
            } else {
                Since42.close(itsManager, itsEntry);
            }
            return !itself.isOpen();
        }
    }

    /** Closes the client's connection. */
    void close() {
        OperatedClientConnection itself = client.get();
        if (itself == null) {
            return;
        }
        Socket socket = itself.getSocket();
        try {
            itself.close();
        } catch (IOException broken) {
            close(socket); // 4.0 gives up where it cannot flush
        }
    }

    private static void close(@Nullable Socket socket) {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException alreadyBroken) {
            // There is nothing more to close.
        }
    }
}
