package io.sluice.instrumentation.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;

/** Copies bytes between two sockets, both ways at once; the end of one direction is passed on as such. */
final class Tunnel {
    private Tunnel() {}

    /**
     * Blocks until both directions have ended, and closes both sockets. A broken or closed socket ends both at once.
     *
     * @param fromClient the client's bytes, some of which may have been buffered already
     */
    static void run(Socket client, InputStream fromClient, Socket upstream) throws InterruptedException {
        Thread back = Listener.startDaemon(Thread.currentThread().getName() + "-back", () -> {
            try {
                pump(upstream.getInputStream(), client);
            } catch (IOException e) {
                closeBoth(client, upstream);
            }
        });
        try {
            pump(fromClient, upstream);
            back.join();
        } catch (IOException e) {
            // The other direction ends by the closing of the sockets.
        } finally {
            closeBoth(client, upstream);
        }
    }

    /** Copies until the end of {@code from}, sending each piece on as it comes. */
    static void copy(InputStream from, OutputStream to) throws IOException {
        byte[] buffer = new byte[8192];
        for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
            to.write(buffer, 0, count);
            to.flush();
        }
    }

    private static void pump(InputStream from, Socket to) throws IOException {
        copy(from, to.getOutputStream());
        to.shutdownOutput();
    }

    private static void closeBoth(Socket one, Socket other) {
        Listener.closeQuietly(one);
        Listener.closeQuietly(other);
    }
}
