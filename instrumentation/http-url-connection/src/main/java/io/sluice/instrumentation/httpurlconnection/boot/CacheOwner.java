package io.sluice.instrumentation.httpurlconnection.boot;

import io.sluice.bridge.Background;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.ConnectionOwner;
import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.net.Socket;
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
        if (tracked == null || !tracked.isFinishable() || !tracked.finishing.compareAndSet(false, true)) {
            return false;
        }
        Background.aside(new Finish(client, tracked));
        return true;
    }

    private static final class Finish implements Runnable {
        private final HttpClient client;
        private final UrlConnectionHooks.Tracked tracked;

        Finish(HttpClient client, UrlConnectionHooks.Tracked tracked) {
            this.client = client;
            this.tracked = tracked;
        }

        @Override
        public void run() {
            try {
                finish();
            } catch (Throwable fault) {
                FailOpen.report(fault);
            } finally {
                tracked.finishing.set(false);
            }
        }

        private void finish() throws Exception {
            InputStream body = client.serverInput;
            if (!tracked.isFinishable()) {
                return; // it may be the body of somebody else's exchange, who took the connection meanwhile
            }
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
                    tracked.connection.closed();
                }
            }
        }
    }
}
