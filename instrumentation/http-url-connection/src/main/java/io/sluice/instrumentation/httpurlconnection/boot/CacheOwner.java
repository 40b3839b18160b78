package io.sluice.instrumentation.httpurlconnection.boot;

import io.sluice.bridge.Background;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicBoolean;
import sun.net.www.http.ChunkedInputStream;
import sun.net.www.http.HttpClient;
import sun.net.www.http.KeepAliveStream;

/** Closes idle connections of the JDK's keep-alive cache, and finishes responses that nobody reads. */
final class CacheOwner implements ConnectionOwner {
    private static final CacheOwner INSTANCE = new CacheOwner();
    static final WeakReference<CacheOwner> REFERENCE = new WeakReference<>(INSTANCE);

    private CacheOwner() {}

    @Override
    public boolean evict(Object handle) throws IllegalAccessException {
        HttpClient client = (HttpClient) handle;
        if (!JdkInternals.removeFromCache(client)) {
            return false;
        }
        client.closeServer();
        return true;
    }

    /**
     * On a thread aside: {@code hurry()} waits for a reader that is at work, as both take the stream's lock. At most one
     * such thread per connection.
     */
    @Override
    public boolean finish(Object handle) {
        HttpClient client = (HttpClient) handle;
        UrlConnectionHooks.Tracked tracked = UrlConnectionHooks.TRACKED.get(client);
        if (tracked == null || !tracked.finishing.compareAndSet(false, true)) {
            return false;
        }
        Background.aside(new Finish(client, tracked.connection, tracked.finishing));
        return true;
    }

    private static final class Finish implements Runnable {
        private final HttpClient client;
        private final Connection connection;
        private final AtomicBoolean finishing;

        Finish(HttpClient client, Connection connection, AtomicBoolean finishing) {
            this.client = client;
            this.connection = connection;
            this.finishing = finishing;
        }

        @Override
        public void run() {
            try {
                finish();
            } catch (Throwable fault) {
                FailOpen.report(fault);
            } finally {
                finishing.set(false);
            }
        }

        private void finish() throws Exception {
            InputStream body = client.serverInput;
            if (body instanceof KeepAliveStream) {
                if (((KeepAliveStream) body).hurry()) {
                    client.finished(); // the stream, once hurried, leaves that to us
                }
            } else if (body instanceof ChunkedInputStream) {
                ((ChunkedInputStream) body).hurry(); // gives the connection back by itself
            } else {
                Socket socket = JdkInternals.socket(client);
                if (socket != null && TcpState.peerHasClosed(socket)) {
                    // The server counts this connection no more. What it sent stays in the buffer for the program.
                    connection.closed();
                }
            }
        }
    }
}
