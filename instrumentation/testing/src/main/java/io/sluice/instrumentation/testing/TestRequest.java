package io.sluice.instrumentation.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UnsupportedEncodingException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** One request as it arrived at a {@link TestServer} or {@link TestProxy}. Safe to read from any thread. */
public final class TestRequest {
    private final String method;
    private final String target;
    private final String version;
    private final Headers headers;
    private final int connection;
    private volatile byte[] body = new byte[0];

    TestRequest(String method, String target, String version, Headers headers, int connection) {
        this.method = method;
        this.target = target;
        this.version = version;
        this.headers = headers;
        this.connection = connection;
    }

    /** Reads a request up to the end of its header; null if the peer closed the connection instead of sending one. */
    static @Nullable TestRequest readHead(HttpInput in, int connection) throws IOException {
        String line = in.readLine();
        while (line != null && line.isEmpty()) {
            line = in.readLine();
        }
        if (line == null) {
            return null;
        }
        String[] parts = line.split(" ", -1);
        if (parts.length != 3 || !parts[2].startsWith("HTTP/")) {
            throw new IOException("not a request line: " + line);
        }
        return new TestRequest(parts[0], parts[1], parts[2], in.readHeaders(), connection);
    }

    /** Reads the body, if there is one, after answering {@code Expect: 100-continue} (RFC 9110, 10.1.1). */
    void readBody(HttpInput in, OutputStream out) throws IOException {
        boolean chunked = headers.hasToken("Transfer-Encoding", "chunked");
        long length = headers.contentLength();
        if (!chunked && length <= 0) {
            return;
        }
        if (headers.hasToken("Expect", "100-continue") && !isHttp10()) {
            out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }
        InputStream stream = chunked ? in.chunkedBody() : in.fixedBody(length);
        body = HttpInput.readAll(stream);
    }

    /** The method, for example {@code GET}. */
    public String method() {
        return method;
    }

    /** The target as sent: path and query, or the absolute form that proxies get, or {@code host:port} of a CONNECT. */
    public String target() {
        return target;
    }

    /** The target without its query. */
    public String path() {
        int mark = target.indexOf('?');
        return mark < 0 ? target : target.substring(0, mark);
    }

    /** The decoded value of a parameter of the query, or {@code otherwise}. */
    public String query(String name, String otherwise) {
        int mark = target.indexOf('?');
        if (mark >= 0) {
            for (String pair : target.substring(mark + 1).split("&", -1)) {
                if (pair.startsWith(name + "=")) {
                    return decoded(pair.substring(name.length() + 1));
                }
            }
        }
        return otherwise;
    }

    /** A number in the query, or {@code otherwise}. */
    public int query(String name, int otherwise) {
        return Integer.parseInt(query(name, Integer.toString(otherwise)));
    }

    /** The first value of a header field, or null; the name's case does not matter. */
    public @Nullable String header(String name) {
        return headers.first(name);
    }

    /** {@code HTTP/1.1} or {@code HTTP/1.0}. */
    public String version() {
        return version;
    }

    /** The body; empty if there is none, and as long as it has not been read wholly. */
    public byte[] body() {
        return body.clone();
    }

    /** The number of the connection on which the request came: the first accepted one is 1. */
    public int connection() {
        return connection;
    }

    Headers headers() {
        return headers;
    }

    boolean isHttp10() {
        return version.equals("HTTP/1.0");
    }

    /** The method and the target. */
    @Override
    public String toString() {
        return method + " " + target;
    }

    private static String decoded(String value) {
        try {
            return URLDecoder.decode(value, "UTF-8");
        } catch (UnsupportedEncodingException e) {
            throw new AssertionError("every JVM has UTF-8", e);
        }
    }
}
