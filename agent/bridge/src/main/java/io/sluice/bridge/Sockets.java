package io.sluice.bridge;

import io.sluice.limiter.Connection;
import org.jspecify.annotations.Nullable;

/**
 * Which socket is which connection. Clients tell what they are about to connect; {@code java.net.Socket} and the NIO
 * channels tell when a socket is connected or closed, whoever closes it and on whatever path. Thread-safe; no method
 * blocks.
 */
public final class Sockets {
    private static final WeakMap<Object, Connection> OPEN = new WeakMap<Object, Connection>() {
        @Override
        protected void collected(Connection connection) {
            connection.closed(); // the collector closed the socket that the program lost: its room is free
        }
    };
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

    /** Notices the sockets that the program lost. */
    static void dropCollected() {
        OPEN.drop();
    }
}
