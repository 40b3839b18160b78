package io.sluice.instrumentation.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** One request and the answer to it. For the thread of its connection. */
public final class Exchange {
    /** How the end of a body is told (RFC 9112, 6.3). */
    public enum Framing {
        /** By {@code Content-Length}. */
        LENGTH,
        /** By chunks; a peer or server of HTTP/1.0 cannot, and gets {@link #UNTIL_CLOSE} instead. */
        CHUNKED,
        /** By closing the connection. */
        UNTIL_CLOSE
    }

    private final TestRequest request;
    private final HttpInput in;
    private final OutputStream out;
    private final Listener.Connection connection;
    private final TestServer server;
    private final Headers headers = new Headers();
    private boolean keepAlive;

    Exchange(TestServer server, TestRequest request, HttpInput in, OutputStream out, Listener.Connection connection) {
        this.server = server;
        this.request = request;
        this.in = in;
        this.out = out;
        this.connection = connection;
        boolean old = server.isHttp10() || request.isHttp10();
        boolean wished = old
                ? request.headers().hasToken("Connection", "keep-alive")
                : !request.headers().hasToken("Connection", "close");
        keepAlive = server.isKeepAlive() && wished;
    }

    /** The request, its body read. */
    public TestRequest request() {
        return request;
    }

    /** Adds a header field to the answer. */
    public Exchange header(String name, String value) {
        headers.add(name, value);
        return this;
    }

    /** Has the connection closed after the answer. */
    public Exchange closeAfterwards() {
        keepAlive = false;
        return this;
    }

    /** Answers in full, with the server's usual framing. */
    public void send(int status, byte[] body) throws IOException {
        send(status, server.framing(), body);
    }

    /** Answers in full. */
    public void send(int status, Framing framing, byte[] body) throws IOException {
        try (OutputStream stream = open(status, framing, body.length)) {
            stream.write(body);
        }
    }

    /** Answers in full with a text. */
    public void send(int status, String text) throws IOException {
        send(status, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Begins the answer and returns the stream for its body. What is written leaves when the stream is flushed or
     * closed. Bytes that no body may have (to HEAD, with 204 or 304) are swallowed.
     *
     * @param length the length that is announced if the framing is {@link Framing#LENGTH}
     */
    public OutputStream open(int status, Framing framing, long length) throws IOException {
        boolean old = server.isHttp10() || request.isHttp10();
        Framing used = old && framing == Framing.CHUNKED ? Framing.UNTIL_CLOSE : framing;
        boolean bodiless = status == 204 || status == 304;
        if (used == Framing.UNTIL_CLOSE && !bodiless) {
            keepAlive = false;
        }
        StringBuilder head = new StringBuilder(200);
        head.append(server.isHttp10() ? "HTTP/1.0 " : "HTTP/1.1 ").append(status);
        head.append(' ').append(reason(status)).append("\r\n");
        headers.appendTo(head);
        head.append("X-Connection: ").append(request.connection()).append("\r\n");
        if (!bodiless && used == Framing.LENGTH) {
            head.append("Content-Length: ").append(length).append("\r\n");
        } else if (!bodiless && used == Framing.CHUNKED) {
            head.append("Transfer-Encoding: chunked\r\n");
        }
        if (!keepAlive && !server.isHttp10()) {
            head.append("Connection: close\r\n");
        } else if (keepAlive && old) {
            head.append("Connection: keep-alive\r\n");
        }
        server.countResponse();
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        boolean bodyFollows = !bodiless && !request.method().equals("HEAD");
        OutputStream body = bodyFollows
                ? used == Framing.CHUNKED ? BodyOutput.chunked(out) : BodyOutput.plain(out)
                : BodyOutput.nothing(out);
        return BodyOutput.endingWith(body, () -> connection.finish(body, keepAlive));
    }

    /** Resets the connection: the client reads "connection reset". */
    public void reset() throws IOException {
        keepAlive = false;
        connection.socket.setSoLinger(true, 0);
        connection.close();
    }

    /** Sends what has been written, and closes the connection wherever the answer is. */
    public void hangUp() throws IOException {
        keepAlive = false;
        out.flush();
        connection.close();
    }

    /** Answers nothing; returns when the client closes the connection, or fails when the server does. */
    public void awaitClientClose() throws IOException {
        keepAlive = false;
        HttpInput.readAll(in.rest());
    }

    /** The server's usual framing. */
    Framing framing() {
        return server.framing();
    }

    boolean isKeepAlive() {
        return keepAlive;
    }

    private static String reason(int status) {
        switch (status) {
            case 200:
                return "OK";
            case 204:
                return "No Content";
            case 302:
                return "Found";
            case 304:
                return "Not Modified";
            case 401:
                return "Unauthorized";
            case 404:
                return "Not Found";
            case 407:
                return "Proxy Authentication Required";
            case 500:
                return "Internal Server Error";
            case 502:
                return "Bad Gateway";
            default:
                return "Status " + status;
        }
    }
}
