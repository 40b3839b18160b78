package io.sluice.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Answers every request with the same {@value #BODY_BYTES} bytes and keeps the connection, with a daemon thread for each
 * connection. Does so little that a client's time is its own: it only looks for the end of the header and writes one
 * prepared array. Understands requests without a body alone.
 */
final class AnswerServer implements AutoCloseable {
    static final int BODY_BYTES = 512;

    private static final byte[] ANSWER = ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + BODY_BYTES
                    + "\r\n\r\n" + "x".repeat(BODY_BYTES))
            .getBytes(StandardCharsets.US_ASCII);

    private final ServerSocket listener;

    /** Listens on a free port of the loopback interface. */
    AnswerServer() throws IOException {
        listener = new ServerSocket(0, 50, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
        startDaemon("answer-server", this::acceptAll);
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Stops listening; connections live until their clients close them. */
    @Override
    public void close() throws IOException {
        listener.close();
    }

    /** Runs in a JVM of its own, prints the port, and ends with its standard input. */
    public static void main(String[] args) throws IOException {
        try (AnswerServer server = new AnswerServer()) {
            System.out.println(server.port());
            while (System.in.read() >= 0) {
                // Whoever started this holds the other end.
            }
        }
    }

    private static void startDaemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void acceptAll() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                startDaemon("answers-" + socket.getPort(), () -> answerAll(socket));
            } catch (IOException e) {
                if (!listener.isClosed()) {
                    throw new IllegalStateException("cannot accept any more connections", e);
                }
            }
        }
    }

    private static void answerAll(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            byte[] buffer = new byte[4096];
            int matched = 0;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                for (int i = 0; i < count; i++) {
                    matched = matchEnd(matched, buffer[i]);
                    if (matched == 4) {
                        out.write(ANSWER);
                        matched = 0;
                    }
                }
            }
        } catch (IOException ignored) {
            // The client has gone, with its JVM.
        }
    }

    /** How many bytes of CR LF CR LF were seen, now that this one has come. */
    private static int matchEnd(int matched, byte next) {
        if (next == (matched % 2 == 0 ? '\r' : '\n')) {
            return matched + 1;
        }
        return next == '\r' ? 1 : 0;
    }
}
