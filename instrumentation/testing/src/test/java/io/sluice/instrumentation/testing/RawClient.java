package io.sluice.instrumentation.testing;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** One connection, on which a test says exactly what is sent. For one thread. */
final class RawClient implements AutoCloseable {
    private final Socket socket;
    private final HttpInput in;

    RawClient(int port) throws IOException {
        this(new Socket(Listener.loopback(false), port));
    }

    RawClient(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(20_000);
        in = new HttpInput(socket.getInputStream());
    }

    Response get(String target) throws IOException {
        return exchange("GET", target, "");
    }

    Response exchange(String method, String target, String body, String... headers) throws IOException {
        send(method, target, body, headers);
        return read(method);
    }

    void send(String method, String target, String body, String... headers) throws IOException {
        sendHead(method, target, headers);
        sendText(body);
    }

    void sendHead(String method, String target, String... headers) throws IOException {
        StringBuilder head = new StringBuilder(method + " " + target + " HTTP/1.1\r\nHost: test\r\n");
        for (String header : headers) {
            head.append(header).append("\r\n");
        }
        sendText(head + "\r\n");
    }

    void sendText(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    Response readHead() throws IOException {
        String line = in.readLine();
        if (line == null) {
            throw new IOException("closed before the answer");
        }
        return new Response(line, in.readHeaders());
    }

    Response read(String method) throws IOException {
        Response response = readHead();
        String status = response.statusLine.split(" ", -1)[1];
        if (method.equals("HEAD") || status.equals("204") || status.equals("304")) {
            return response;
        }
        long length = response.headers.contentLength();
        boolean chunked = response.headers.hasToken("Transfer-Encoding", "chunked");
        InputStream body = chunked ? in.chunkedBody() : length >= 0 ? in.fixedBody(length) : in.rest();
        response.body = HttpInput.readAll(body);
        return response;
    }

    /** Whether anything arrives, or the connection ends, within a time. */
    boolean answersWithin(int millis) throws IOException {
        InputStream rest = in.rest();
        rest.mark(1);
        socket.setSoTimeout(millis);
        try {
            rest.read();
            rest.reset();
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } finally {
            socket.setSoTimeout(20_000);
        }
    }

    /** Whether the server closes the connection without another byte; waits for either. */
    boolean isAtEnd() throws IOException {
        return in.rest().read() < 0;
    }

    Socket socket() {
        return socket;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    static final class Response {
        final String statusLine;
        final Headers headers;
        byte[] body = new byte[0];

        Response(String statusLine, Headers headers) {
            this.statusLine = statusLine;
            this.headers = headers;
        }

        @Nullable
        String header(String name) {
            return headers.first(name);
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }
}
