package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import org.apache.http.HttpConnection;
import org.apache.http.HttpResponse;
import org.apache.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/**
 * Learns the HTTP version of servers. Names types of httpcore only and remembers nothing itself: in OSGi httpcore has a
 * class loader, and so a copy of this class, of its own.
 */
public final class Answers {
    private Answers() {}

    /**
     * The head of a response was read from this connection, which {@link Exchange} has made known as soon as it leads to
     * the server: so the proxy's answer to CONNECT finds nothing here. Never blocks.
     */
    public static void answered(HttpConnection connection, @Nullable HttpResponse response) {
        Connection answering = Sockets.of(connection);
        if (answering != null && response != null && response.getStatusLine() != null) {
            answering.answered(response.getStatusLine().getProtocolVersion().lessEquals(HttpVersion.HTTP_1_0));
        }
    }
}
