package io.sluice.instrumentation.testing;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket on a free loopback port, with one daemon thread that accepts and one for each connection. Safe for
 * any thread.
 */
final class Listener {
    /** What is done with a connection, on its own thread; the connection is closed afterwards. */
    interface Service {
        void serve(Connection connection) throws IOException, InterruptedException;
    }

    /** Longer than any test's burst: a full backlog would make the kernel drop connections for a second. */
    private static final int BACKLOG = 1000;

    /**
     * The ports of all listeners so far. The kernel gives a port again soon, and what a test has left behind at one (a lease,
     * the class of an HTTP/1.0 server) would be another test's.
     */
    private static final Set<Integer> PORTS = ConcurrentHashMap.newKeySet();

    private final ServerSocket socket;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private final Service service;

    Listener(boolean ipv6, Service service) throws IOException {
        this.service = service;
        socket = bind(new InetSocketAddress(loopback(ipv6), 0));
    }

    private static ServerSocket bind(InetSocketAddress anyPort) throws IOException {
        ServerSocket bound = new ServerSocket();
        bound.bind(anyPort, BACKLOG);
        if (PORTS.add(bound.getLocalPort())) {
            return bound;
        }
        try {
            return bind(anyPort); // while this one is kept, so that it is not the next one, too
        } finally {
            bound.close();
        }
    }

    void start(String name) {
        startDaemon(name + "-" + port(), this::acceptAll);
    }

    int port() {
        return socket.getLocalPort();
    }

    int accepted() {
        return accepted.get();
    }

    /** Closes the connections on which no request is under way. */
    void closeIdle() {
        for (Connection connection : connections) {
            connection.closeIfIdle();
        }
    }

    /** Stops listening and closes all connections; does not wait for their threads, which end soon. */
    void close() {
        closeQuietly(socket);
        for (Connection connection : connections) {
            connection.abort();
        }
    }

    static InetAddress loopback(boolean ipv6) throws IOException {
        return InetAddress.getByName(ipv6 ? "::1" : "127.0.0.1");
    }

    static Thread startDaemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static void closeQuietly(Closeable resource) {
        try {
            resource.close();
        } catch (IOException ignored) {
            // It is given up anyway.
        }
    }

    private void acceptAll() {
        while (!socket.isClosed()) {
            try {
                Connection connection = new Connection(socket.accept(), accepted.incrementAndGet());
                connections.add(connection);
                connection.thread = startDaemon(
                        Thread.currentThread().getName() + "-" + connection.number, () -> serve(connection));
                if (socket.isClosed()) {
                    connection.abort();
                }
            } catch (IOException e) {
                if (!socket.isClosed()) {
                    throw new IllegalStateException("cannot accept any more connections", e);
                }
            }
        }
    }

    private void serve(Connection connection) {
        try {
            connection.socket.setTcpNoDelay(true);
            service.serve(connection);
        } catch (IOException | InterruptedException ignored) {
            // The peer or close() broke the connection: many tests do so, and the client's side is what they look at.
        } finally {
            connection.close();
            connections.remove(connection);
        }
    }

    /** An accepted connection. */
    static final class Connection {
        final Socket socket;

        /** 1 for the first accepted connection. */
        final int number;

        private boolean idle = true;

        private volatile @Nullable Thread thread;

        Connection(Socket socket, int number) {
            this.socket = socket;
            this.number = number;
        }

        /** A request has arrived. */
        synchronized void begin() {
            idle = false;
        }

        /** Sends the end of an answer; whoever has read it finds the connection idle, unless it closes now. */
        synchronized void finish(OutputStream body, boolean keepAlive) throws IOException {
            idle = keepAlive;
            body.close();
        }

        void close() {
            closeQuietly(socket);
        }

        private synchronized void closeIfIdle() {
            if (idle) {
                close();
            }
        }

        private void abort() {
            close();
            Thread running = thread;
            if (running != null) {
                running.interrupt();
            }
        }
    }
}
