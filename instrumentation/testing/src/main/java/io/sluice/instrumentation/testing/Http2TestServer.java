package io.sluice.instrumentation.testing;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import io.undertow.server.protocol.http2.Http2ServerConnection;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A server on the loopback interface that speaks HTTP/2 and HTTP/1.1: over TLS by ALPN, in clear text by upgrade and by
 * prior knowledge. Handlers run on worker threads, so they may block; at most 64 of them at once.
 */
public final class Http2TestServer implements AutoCloseable {
    private final Undertow undertow;
    private final boolean tls;
    private final Set<Http2Channel> connections = ConcurrentHashMap.newKeySet();

    private Http2TestServer(boolean tls, int maxStreams, HttpHandler handler) {
        this.tls = tls;
        Undertow.Builder builder = Undertow.builder()
                .setServerOption(UndertowOptions.ENABLE_HTTP2, true)
                .setServerOption(UndertowOptions.HTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams)
                .setIoThreads(2)
                .setWorkerThreads(64)
                .setHandler(exchange -> exchange.dispatch(() -> {
                    try {
                        remember(exchange);
                        exchange.startBlocking();
                        handler.handleRequest(exchange);
                    } catch (Exception e) {
                        exchange.setStatusCode(500);
                    } finally {
                        exchange.endExchange();
                    }
                }));
        undertow = (tls
                        ? builder.addHttpsListener(0, "127.0.0.1", TestTls.serverContext())
                        : builder.addHttpListener(0, "127.0.0.1"))
                .build();
        undertow.start();
    }

    /** A server over TLS, with the certificate of {@link TestTls}, that allows so many streams on a connection. */
    public static Http2TestServer overTls(int maxStreams, HttpHandler handler) {
        return new Http2TestServer(true, maxStreams, handler);
    }

    /** A server in clear text, with at most 100 streams on a connection. */
    public static Http2TestServer inClearText(HttpHandler handler) {
        return new Http2TestServer(false, 100, handler);
    }

    /** The port on 127.0.0.1. */
    public int port() {
        return ((InetSocketAddress) undertow.getListenerInfo().get(0).getAddress()).getPort();
    }

    /** The URL of a path, which begins with a slash. */
    public String url(String path) {
        return (tls ? "https" : "http") + "://127.0.0.1:" + port() + path;
    }

    /** Says goodbye (GOAWAY, RFC 9113 section 6.8) on every HTTP/2 connection that has brought a request. */
    public void goAway() {
        for (Http2Channel connection : connections) {
            connections.remove(connection);
            connection.getIoThread().execute(() -> connection.sendGoAway(0));
        }
    }

    private void remember(HttpServerExchange exchange) throws ReflectiveOperationException {
        ServerConnection connection = exchange.getConnection();
        if (connection instanceof Http2ServerConnection) {
            Field channel = Http2ServerConnection.class.getDeclaredField("channel"); // not shown otherwise
            channel.setAccessible(true);
            connections.add((Http2Channel) channel.get(connection));
        }
    }

    @Override
    public void close() {
        undertow.stop();
    }
}
