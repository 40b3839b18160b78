package io.sluice.bridge;

import io.sluice.limiter.Connection;
import java.io.Closeable;
import java.io.IOException;
import java.lang.ref.WeakReference;
import org.jspecify.annotations.Nullable;

/**
 * Which socket is which connection. Clients tell what they are about to connect; {@code java.net.Socket} and the NIO
 * channels tell when a socket is connected or closed, whoever closes it and on whatever path. Thread-safe; no method
 * blocks.
 */
public final class Sockets {
    private static final WatchedMap<Object, Connection> OPEN = new WatchedMap<Object, Connection>() {
        @Override
        protected void collected(Connection connection) {
            connection.closed(); // the collector closed the socket that the program lost: its room is free
        }
    };
    /** For those who must close a connection from outside: its socket, where it was not opened by a blocking client. */
    private static final WeakMap<Connection, WeakReference<Object>> LAST = new WeakMap<>();

    private static final WeakMap<Object, Boolean> ABRUPT = new WeakMap<>();
    private static final ThreadLocal<@Nullable Connection> OPENING = new ThreadLocal<>();

    private Sockets() {}

    /**
     * The calling thread is about to connect a socket for this connection.
     *
     * @return what was set before, for {@link #endOpening}
     */
    public static @Nullable Connection beginOpening(Connection connection) {
        Connection before = OPENING.get();
        OPENING.set(connection);
        return before;
    }

    /** The calling thread is done with connecting. */
    public static void endOpening(@Nullable Connection before) {
        if (before == null) {
            OPENING.remove();
        } else {
            OPENING.set(before);
        }
    }

    /** What the calling thread is about to connect a socket for, or null: for clients that connect on another thread. */
    public static @Nullable Connection opening() {
        return OPENING.get();
    }

    /** Woven into the sockets: this one is about to connect on the calling thread. */
    public static void connecting(Object socket) {
        Connection opening = OPENING.get();
        if (opening != null) {
            OPEN.put(socket, opening);
        }
    }

    /** Woven into the sockets: the connect failed; the client may try another address with the room it has. */
    public static void connectFailed(Object socket) {
        if (OPENING.get() != null) {
            OPEN.remove(socket);
        }
    }

    /** A socket is, or is about to be, this connection; for clients that connect on other threads. */
    public static void opened(Object socket, Connection connection) {
        OPEN.put(socket, connection);
        LAST.put(connection, new WeakReference<Object>(socket));
    }

    /** A socket could not be connected; its connection goes on with another socket, whose end is then its own. */
    public static void forget(@Nullable Object socket) {
        Connection connection = OPEN.remove(socket);
        if (connection != null) {
            LAST.remove(connection);
        }
    }

    /**
     * Nobody wants this connection any more, or it could not be opened: closes its socket, if it has one that is open. Its
     * room is free when the socket is really closed, or at once where there is none. A socket that comes later finds the
     * connection closed, and it is for whoever opens it to close it.
     */
    public static void abandon(Connection connection) {
        Object socket = socketOf(connection);
        if (socket == null) {
            connection.closed();
            socket = socketOf(connection); // it may have come meanwhile
        }
        if (socket instanceof Closeable) {
            try {
                ((Closeable) socket).close();
            } catch (IOException closedAllTheSame) {
                // It has no way of staying open.
            }
        }
    }

    /** Whether a socket was {@link #opened} for this connection that is not closed yet. */
    public static boolean hasSocket(Connection connection) {
        return OPEN.get(socketOf(connection)) == connection;
    }

    /** The last socket that was {@link #opened} for a connection, or null. */
    private static @Nullable Object socketOf(Connection connection) {
        WeakReference<Object> socket = LAST.get(connection);
        return socket == null ? null : socket.get();
    }

    /** Woven into the NIO channels: SO_LINGER is set. */
    public static void lingers(Object channel, boolean abruptly) {
        if (abruptly) {
            ABRUPT.put(channel, Boolean.TRUE);
        } else {
            ABRUPT.remove(channel);
        }
    }

    /**
     * Whether this channel is closed by a reset (SO_LINGER is zero). Then nothing is sent when it is closed, if a selector
     * knows it, but only when the selector lets go of it.
     */
    public static boolean closesAbruptly(Object channel) {
        return ABRUPT.get(channel) != null;
    }

    /** Woven into the sockets: this one is really closed. */
    public static void closed(Object socket) {
        Connection connection = OPEN.remove(socket);
        if (connection != null) {
            connection.closed();
        }
    }

    /** The connection of a socket, or null where it is not one of ours. */
    public static @Nullable Connection of(@Nullable Object socket) {
        return OPEN.get(socket);
    }
}
