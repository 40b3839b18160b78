package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import org.apache.commons.httpclient.HttpConnection;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one {@code HttpConnection}, from one exchange to the next. Thread-safe: {@code this} guards the fields,
 * and is held while the connection is closed for somebody else, so that whoever claims it finds it open or closed but
 * nothing between. Nobody waits for a lease or for room with it.
 */
final class ManagedConnection {
    /** Whether the manager has given the connection out, or is about to. */
    private boolean claimed;

    private @Nullable Lease lease;
    private @Nullable Home home;
    private @Nullable Connection connection;

    /** From now on the connection is not evicted, whether there will be a lease or not. */
    synchronized void claim() {
        claimed = true;
    }

    /** The manager gave the connection out to the exchange that has this lease. */
    void begin(Granted granted) {
        Lease former;
        Connection pooled;
        synchronized (this) {
            claimed = true;
            former = lease;
            lease = granted.lease;
            home = granted.home;
            pooled = connection;
        }
        granted.home.add(this);
        if (pooled != null) {
            pooled.use(granted.lease);
        }
        ConnectionGate.release(former); // of a simple manager that several threads use at once
    }

    /** The lease of the exchange that has the connection now, or null. */
    synchronized @Nullable Lease lease() {
        return lease;
    }

    /** The connection that was opened last, or null. */
    synchronized @Nullable Connection connection() {
        return connection;
    }

    /** Whatever exchange has the connection is over. */
    void end() {
        end(lease());
    }

    /**
     * The manager took the connection back after the exchange of this lease: it is idle, unless closed or given out again
     * already. Never blocks.
     */
    void end(@Nullable Lease former) {
        try {
            Connection mine;
            synchronized (this) {
                mine = connection;
                if (lease == former) {
                    lease = null;
                    claimed = false;
                    if (home != null) {
                        home.remove(this);
                    }
                }
            }
            if (mine != null && former != null) {
                mine.idle(former);
            }
        } finally {
            ConnectionGate.release(former);
        }
    }

    /**
     * The pool was shut down, which closes what is open. An exchange that is still to connect does so all the same: it
     * keeps its lease until that connection is closed, as the pool does not take it back any more.
     */
    void shutDown() {
        Connection mine = connection();
        if (mine != null && mine.isClosed()) {
            end();
        }
    }

    /** Takes room for a socket and parks until there is some; null: go on unlimited. */
    @Nullable
    Opening open(HttpConnection handle) {
        Lease held;
        Connection former;
        boolean lastOfAll;
        synchronized (this) {
            held = lease;
            former = connection;
            lastOfAll = home != null && home.isShutDown();
        }
        if (former != null) {
            former.closed(); // the client opens anew because it is
        }
        Connection opened = ConnectionGate.open(held, lastOfAll);
        if (opened == null) {
            return null;
        }
        try {
            opened.ownedBy(ManagedConnectionOwner.REFERENCE, handle);
            synchronized (this) {
                connection = opened;
            }
            return new Opening(opened, Sockets.beginOpening(opened));
        } catch (Throwable fault) {
            opened.closed();
            throw fault;
        }
    }

    /**
     * The socket is connected. A factory of the program's may have done that on another thread, or otherwise than by {@code
     * Socket.connect}. Under TLS this need not be the socket that was connected.
     */
    static void opened(Connection opened, @Nullable Socket socket) {
        if (socket != null && !(socket instanceof SSLSocket) && Sockets.of(socket) == null && !opened.isClosed()) {
            Sockets.opened(socket, opened);
        }
    }

    /** The client has closed the socket. Never blocks. */
    void closed() {
        Connection mine = connection();
        if (mine != null) {
            mine.closed();
        }
    }

    /** Closes the connection unless the manager has given it out. */
    synchronized boolean evict(HttpConnection handle) {
        if (claimed) {
            return false;
        }
        handle.close();
        return true;
    }
}
