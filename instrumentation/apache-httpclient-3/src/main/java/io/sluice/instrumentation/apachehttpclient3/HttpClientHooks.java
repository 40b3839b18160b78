package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.bridge.Refusal;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.httpclient.HostConfiguration;
import org.apache.commons.httpclient.HttpConnection;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.jspecify.annotations.Nullable;

/** What the advice calls. Whatever is not known here goes on unlimited. */
public final class HttpClientHooks {
    static final ManagedConnections CONNECTIONS = new ManagedConnections();

    private static final ThreadLocal<@Nullable Boolean> TRIES_FOR_EVER = new ThreadLocal<>();
    /** The pools that were shut down on this thread while it shuts all of them down. */
    private static final ThreadLocal<@Nullable List<Home>> SHUT_DOWN = new ThreadLocal<>();

    private HttpClientHooks() {}

    /**
     * A manager is asked for a connection: parks until the lease is granted, for the client's own time at most.
     *
     * @return what {@link #taken} is to be given; a {@link Refusal} skips the client's method
     */
    public static @Nullable Object acquire(
            HttpConnectionManager manager, @Nullable HostConfiguration target, long timeoutMillis) {
        if (target == null) {
            return null;
        }
        return Home.of(manager).acquire(manager, target, timeoutMillis, TRIES_FOR_EVER.get() != null);
    }

    /**
     * The pool's {@code getConnection(HostConfiguration)} begins or ends: it knows no timeout, and would catch ours and ask
     * again at once, over and over.
     */
    public static void triesForEver(boolean begins) {
        if (begins) {
            TRIES_FOR_EVER.set(Boolean.TRUE);
        } else {
            TRIES_FOR_EVER.remove();
        }
    }

    /**
     * The same for a manager that has one connection: whatever exchange had that is over, whether the program has said so
     * or not. The manager itself thinks so, too, and reads the rest of the response before it gives the connection out
     * again; until then it may be evicted, so that nobody waits for what is no longer used.
     */
    public static @Nullable Object acquireTheOne(
            HttpConnectionManager manager,
            @Nullable HttpConnection theOne,
            @Nullable HostConfiguration target,
            long timeoutMillis) {
        ManagedConnection known = CONNECTIONS.get(theOne);
        if (known != null) {
            known.end();
        }
        Object taking = acquire(manager, target, timeoutMillis);
        if (known != null && !(taking instanceof Refusal)) {
            known.claim(); // the manager is about to read from it
        }
        return taking;
    }

    /** What is left of the client's own time. */
    public static long rest(@Nullable Object taking, long timeoutMillis) {
        return taking instanceof Granted ? ((Granted) taking).restMillis : timeoutMillis;
    }

    /**
     * A manager gave a connection out, or failed.
     *
     * @return what the program is to see thrown, or null
     */
    public static @Nullable Throwable taken(
            @Nullable Object taking, @Nullable HttpConnection handle, @Nullable Throwable thrown) {
        if (taking instanceof Refusal) {
            return ((Refusal) taking).exception();
        }
        if (!(taking instanceof Granted)) {
            ManagedConnection known = CONNECTIONS.get(handle);
            if (known != null) {
                known.claim();
            }
            return thrown;
        }
        Granted granted = (Granted) taking;
        if (thrown != null || handle == null) {
            granted.lease.release();
            return thrown;
        }
        try {
            CONNECTIONS.of(handle).begin(granted);
        } catch (Throwable fault) {
            granted.lease.release();
            throw fault;
        }
        return null;
    }

    /** {@code HttpConnection.open} begins: parks until there is room for a socket. */
    public static @Nullable Object opening(HttpConnection handle) {
        ManagedConnection known = CONNECTIONS.get(handle);
        return known == null || handle.isOpen() ? null : known.open(handle);
    }

    /** {@code HttpConnection.open} ends. Where it failed, the client has closed the socket itself. Never blocks. */
    public static void opened(@Nullable Object opening, @Nullable Socket socket, @Nullable Throwable thrown) {
        if (!(opening instanceof Opening)) {
            return;
        }
        Opening mine = (Opening) opening;
        Sockets.endOpening(mine.before);
        if (thrown == null) {
            ManagedConnection.opened(mine.connection, socket);
        } else {
            mine.connection.closed();
        }
    }

    /** A line that is not a header was read: the status line, but for garbage before it. Never blocks. */
    public static void lineRead(HttpConnection handle, @Nullable String line) {
        // Before a tunnel leads to the server, or where none does, the answer is the proxy's.
        ManagedConnection known = line == null || !handle.isTransparent() ? null : CONNECTIONS.get(handle);
        Connection answering = known == null ? null : known.connection();
        if (answering != null && line != null) {
            String start = line.trim();
            if (start.startsWith("HTTP")) {
                // "HTTP 200" of servers that name no version: the client takes that for 1.0
                answering.answered(!start.startsWith("HTTP/") || start.compareTo("HTTP/1.1") < 0);
            }
        }
    }

    /** The lease of the exchange that the manager is about to take a connection back from, or null. */
    public static @Nullable Object leaseOf(@Nullable HttpConnection handle) {
        ManagedConnection known = CONNECTIONS.get(handle);
        return known == null ? null : known.lease();
    }

    /** The manager took the connection back. Never blocks. */
    public static void released(@Nullable HttpConnection handle, @Nullable Object former) {
        ManagedConnection known = CONNECTIONS.get(handle);
        if (known != null) {
            known.end(former instanceof Lease ? (Lease) former : null);
        }
    }

    /**
     * The client closed a connection. Never blocks.
     *
     * @param duringExecution whether the client itself still executes a method on it, of a simple manager: it then opens
     *     the connection again, or releases it
     * @param simple whether the manager is a simple one
     */
    public static void closed(HttpConnection handle, boolean simple, boolean duringExecution) {
        ManagedConnection known = CONNECTIONS.get(handle);
        if (known == null) {
            return;
        }
        known.closed();
        if (simple && !duringExecution) {
            known.end(); // programs that close the connection of a simple manager do so instead of releasing it
        }
    }

    /** A pool was shut down. Never blocks. */
    public static void shutDown(HttpConnectionManager manager) {
        Home home = Home.known(manager);
        List<Home> together = SHUT_DOWN.get();
        if (home == null) {
            return;
        }
        if (together != null) {
            together.add(home);
        } else {
            home.shutDown();
        }
    }

    /**
     * All pools are about to be shut down on the calling thread. That holds a lock which each pool takes to connect, with
     * its own lock held, and then takes the pools' own locks: whoever came into a pool meanwhile, for one has given its
     * lease back, would lock both for ever.
     */
    public static void shuttingAllDown() {
        SHUT_DOWN.set(new ArrayList<Home>());
    }

    /** They are shut down, and the locks are free. Never blocks. */
    public static void allShutDown() {
        List<Home> together = SHUT_DOWN.get();
        SHUT_DOWN.remove();
        if (together != null) {
            for (Home home : together) {
                home.shutDown();
            }
        }
    }
}
