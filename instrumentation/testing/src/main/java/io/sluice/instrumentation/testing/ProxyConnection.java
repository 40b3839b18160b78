package io.sluice.instrumentation.testing;

import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** One client's connection to a {@link TestProxy}. For the connection's own thread. */
final class ProxyConnection {
    /** What concerns one connection only and is never passed on (RFC 9110, 7.6.1), and what the proxy sets itself. */
    private static final List<String> NOT_PASSED_ON = Arrays.asList(
            "connection",
            "proxy-connection",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "proxy-authorization",
            "expect",
            "content-length");

    private final TestProxy proxy;
    private final Listener.Connection connection;
    private final HttpInput in;
    private final OutputStream out;

    ProxyConnection(TestProxy proxy, Listener.Connection connection) throws IOException {
        this.proxy = proxy;
        this.connection = connection;
        in = new HttpInput(connection.socket.getInputStream());
        out = new BufferedOutputStream(connection.socket.getOutputStream(), 16384);
    }

    /** Answers requests until the connection is to be closed, which the caller does. */
    void serve() throws IOException, InterruptedException {
        boolean keepAlive = true;
        while (keepAlive) {
            TestRequest request = TestRequest.readHead(in, connection.number);
            if (request == null) {
                return;
            }
            connection.begin();
            proxy.record(request);
            request.readBody(in, out);
            boolean connect = request.method().equals("CONNECT");
            if (!proxy.admits(request)) {
                keepAlive = challenge(request);
            } else if (connect) {
                tunnel(request);
                return;
            } else {
                keepAlive = forward(request);
            }
        }
    }

    private boolean challenge(TestRequest request) throws IOException {
        boolean keepAlive = isKeepAlive(request);
        String version = request.method().equals("CONNECT") ? proxy.connectVersion() : version();
        byte[] body = "who are you?".getBytes(StandardCharsets.US_ASCII);
        Headers headers = new Headers().add("Proxy-Authenticate", "Basic realm=\"proxy\"");
        headers.add("Content-Length", Integer.toString(body.length));
        writeHead(version + " 407 Proxy Authentication Required", headers, keepAlive);
        boolean bodyFollows = !request.method().equals("HEAD");
        OutputStream stream = bodyFollows ? BodyOutput.plain(out) : BodyOutput.nothing(out);
        stream.write(body);
        connection.finish(stream, keepAlive);
        return keepAlive;
    }

    private void tunnel(TestRequest request) throws IOException, InterruptedException {
        String target = request.target();
        int colon = target.lastIndexOf(':');
        Socket upstream;
        try {
            upstream = connect(target.substring(0, colon), Integer.parseInt(target.substring(colon + 1)));
        } catch (IOException e) {
            fail(proxy.connectVersion());
            return;
        }
        proxy.countTunnel();
        out.write((proxy.connectVersion() + " 200 Connection established\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
        Tunnel.run(connection.socket, in.rest(), upstream);
    }

    private boolean forward(TestRequest request) throws IOException {
        URI uri = URI.create(request.target());
        if (uri.getHost() == null) {
            return fail(version());
        }
        proxy.countPlainRequest();
        try (Socket upstream = connect(uri.getHost(), uri.getPort() < 0 ? 80 : uri.getPort())) {
            send(request, uri, upstream.getOutputStream());
            HttpInput answer = new HttpInput(upstream.getInputStream());
            String statusLine = answer.readLine();
            if (statusLine == null) {
                throw new EOFException("the server closed the connection instead of answering");
            }
            Headers headers = answer.readHeaders();
            return new Relay(request, statusLine, headers).pass(answer);
        } catch (RelayBroken e) {
            throw e;
        } catch (IOException e) {
            return fail(version());
        }
    }

    private static void send(TestRequest request, URI uri, OutputStream upstream) throws IOException {
        String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        byte[] body = request.body();
        Headers headers = request.headers().without(NOT_PASSED_ON).add("Connection", "close");
        if (body.length > 0 || request.header("Content-Length") != null) {
            headers.add("Content-Length", Integer.toString(body.length));
        }
        StringBuilder head = new StringBuilder(request.method() + " " + path + query + " HTTP/1.1\r\n");
        headers.appendTo(head);
        upstream.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        upstream.write(body);
        upstream.flush();
    }

    /** Answers 502 and has the connection closed. */
    private boolean fail(String version) throws IOException {
        writeHead(version + " 502 Bad Gateway", new Headers().add("Content-Length", "0"), false);
        out.flush();
        return false;
    }

    private void writeHead(String statusLine, Headers headers, boolean keepAlive) throws IOException {
        StringBuilder head = new StringBuilder(statusLine).append("\r\n");
        headers.appendTo(head);
        if (!keepAlive) {
            head.append("Connection: close\r\n");
        } else if (statusLine.startsWith("HTTP/1.0")) {
            head.append("Connection: keep-alive\r\nProxy-Connection: keep-alive\r\n");
        }
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private String version() {
        return proxy.isHttp10() ? "HTTP/1.0" : "HTTP/1.1";
    }

    private boolean isKeepAlive(TestRequest request) {
        Headers headers = request.headers();
        boolean old = proxy.isHttp10() || request.isHttp10();
        boolean wished = old
                ? headers.hasToken("Connection", "keep-alive") || headers.hasToken("Proxy-Connection", "keep-alive")
                : !headers.hasToken("Connection", "close") && !headers.hasToken("Proxy-Connection", "close");
        return proxy.isKeepAlive() && wished;
    }

    private static Socket connect(String host, int port) throws IOException {
        Socket socket = new Socket(Listener.loopback(host.contains("::1")), port);
        socket.setTcpNoDelay(true);
        return socket;
    }

    /** The server's answer broke off after its header had been passed on: only closing tells the client so. */
    private static final class RelayBroken extends IOException {
        private static final long serialVersionUID = 1;

        RelayBroken(IOException cause) {
            super(cause);
        }
    }

    /** Passes one answer on, piece by piece as it comes. */
    private final class Relay {
        private final TestRequest request;
        private final String statusLine;
        private final Headers headers;
        private final boolean chunkedIn;
        private final boolean bodiless;

        Relay(TestRequest request, String statusLine, Headers headers) {
            this.request = request;
            this.statusLine = statusLine;
            this.headers = headers;
            chunkedIn = headers.hasToken("Transfer-Encoding", "chunked");
            String status = statusLine.split(" ", 3)[1];
            bodiless = request.method().equals("HEAD") || status.equals("204") || status.equals("304");
        }

        /** Returns whether the client's connection stays open. */
        boolean pass(HttpInput answer) throws IOException {
            long length = headers.contentLength();
            boolean old = proxy.isHttp10() || request.isHttp10();
            boolean chunkedOut = !bodiless && length < 0 && !old;
            boolean keepAlive = isKeepAlive(request) && (bodiless || length >= 0 || chunkedOut);
            Headers passed = headers.without(NOT_PASSED_ON);
            if (length >= 0) {
                passed.add("Content-Length", Long.toString(length));
            } else if (chunkedOut) {
                passed.add("Transfer-Encoding", "chunked");
            }
            try {
                writeHead(version() + statusLine.substring(statusLine.indexOf(' ')), passed, keepAlive);
                OutputStream body = chunkedOut ? BodyOutput.chunked(out) : BodyOutput.plain(out);
                if (!bodiless) {
                    InputStream from =
                            chunkedIn ? answer.chunkedBody() : length >= 0 ? answer.fixedBody(length) : answer.rest();
                    Tunnel.copy(from, body);
                }
                connection.finish(body, keepAlive);
            } catch (IOException e) {
                throw new RelayBroken(e);
            }
            return keepAlive;
        }
    }
}
