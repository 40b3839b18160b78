package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.channels.SocketChannel;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.ProtocolVersion;
import org.apache.hc.core5.reactor.IOSession;
import org.jspecify.annotations.Nullable;

/**
 * What the advice on HttpCore's reactor calls, which may be in another class loader than the client: it learns from {@code
 * Sockets} which connection the calling thread opens. Thread-safe; no method blocks.
 */
public final class ReactorHooks {
    /** By IOSessionRequest. */
    private static final WeakMap<Object, Attempt> ATTEMPTS = new WeakMap<>();
    /** Which connection a stream of requests goes out on. */
    private static final WeakMap<Object, Connection> OUTPUTS = new WeakMap<>();
    /** What has just failed on the calling thread. */
    private static final ThreadLocal<@Nullable Attempt> FAILED = new ThreadLocal<>();

    private ReactorHooks() {}

    /** The reactor is asked for a session. If another address has just failed, this is the next one's turn. */
    public static void requested(Object request) {
        Connection opening = Sockets.opening();
        if (opening == null) {
            return;
        }
        ATTEMPTS.put(request, new Attempt(opening));
        Attempt failed = FAILED.get();
        if (failed != null && failed.connection == opening) {
            Sockets.forget(failed.channel.get());
        }
    }

    /** The reactor is about to connect a channel. */
    public static void connecting(SocketChannel channel, Object request) throws IOException {
        Attempt attempt = ATTEMPTS.get(request);
        if (attempt == null) {
            return;
        }
        attempt.channel = new WeakReference<>(channel);
        Sockets.opened(channel, attempt.connection);
        if (attempt.connection.isClosed()) {
            channel.close(); // it was abandoned meanwhile: the reactor finds a closed channel and gives up
        }
    }

    /**
     * A session cannot be had. The client may ask for the next address at once.
     *
     * @return for {@link #failed}; null where we do not know the request
     */
    public static @Nullable Object failing(Object request) {
        Attempt attempt = ATTEMPTS.remove(request);
        if (attempt == null || attempt.connection.isClosed()) {
            return null;
        }
        FAILED.set(attempt);
        attempt.outer = Sockets.beginOpening(attempt.connection);
        return attempt;
    }

    /** The client knows of the failure. */
    public static void failed(Object failing) {
        FAILED.remove();
        Sockets.endOpening(((Attempt) failing).outer);
    }

    /** A connection of HTTP/1 speaks now. */
    public static void speaks(@Nullable IOSession session, Object output) {
        Connection connection = session == null ? null : Sockets.of(session.channel());
        if (connection != null) {
            OUTPUTS.put(output, connection);
        }
    }

    /** The head of a response was read. */
    public static void answered(Object output, @Nullable HttpRequest request, @Nullable HttpResponse response) {
        Connection connection = OUTPUTS.get(output);
        // The answer to CONNECT is the proxy's own and says nothing of the server.
        if (connection == null || response == null || request != null && "CONNECT".equals(request.getMethod())) {
            return;
        }
        ProtocolVersion version = response.getVersion();
        if (version != null) {
            connection.answered(version.lessEquals(HttpVersion.HTTP_1_0));
        }
    }

    /** One address that is tried. */
    private static final class Attempt {
        final Connection connection;
        volatile WeakReference<SocketChannel> channel = new WeakReference<>(null);
        /** What the failing thread was opening before. */
        @Nullable
        Connection outer;

        Attempt(Connection connection) {
            this.connection = connection;
        }
    }
}
