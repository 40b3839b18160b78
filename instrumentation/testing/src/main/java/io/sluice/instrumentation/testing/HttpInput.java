package io.sluice.instrumentation.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The receiving side of a connection: lines, header fields and bodies as RFC 9112 frames them. For one thread. */
final class HttpInput {
    private final InputStream in;

    HttpInput(InputStream in) {
        this.in = new BufferedInputStream(in);
    }

    /** The next line without its end, or null if the peer closed the connection before the line began. */
    @Nullable
    String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(80);
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                if (line.size() == 0) {
                    return null;
                }
                throw new EOFException("connection closed within a line: " + line.toString("ISO-8859-1"));
            }
            if (b != '\r') {
                line.write(b);
            }
        }
        return new String(line.toByteArray(), StandardCharsets.ISO_8859_1);
    }

    /** The header fields up to and including the empty line after them. */
    Headers readHeaders() throws IOException {
        Headers headers = new Headers();
        for (String line = requireLine(); !line.isEmpty(); line = requireLine()) {
            int colon = line.indexOf(':');
            if (colon <= 0) {
                throw new IOException("not a header field: " + line);
            }
            headers.add(line.substring(0, colon), line.substring(colon + 1).trim());
        }
        return headers;
    }

    /** A body of a known length; the stream throws an EOFException if the connection ends before it. */
    InputStream fixedBody(long length) {
        return new FixedBody(length);
    }

    /** A chunked body without its framing, read up to and including the trailer. */
    InputStream chunkedBody() {
        return new ChunkedBody();
    }

    /** What is left until the peer closes the connection. */
    InputStream rest() {
        return in;
    }

    /** All that a stream still has. */
    static byte[] readAll(InputStream body) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
            all.write(buffer, 0, count);
        }
        return all.toByteArray();
    }

    private String requireLine() throws IOException {
        String line = readLine();
        if (line == null) {
            throw new EOFException("connection closed within a message");
        }
        return line;
    }

    private abstract static class Body extends InputStream {
        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public abstract int read(byte[] buffer, int offset, int length) throws IOException;
    }

    private final class FixedBody extends Body {
        private long left;

        FixedBody(long length) {
            left = length;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int count = in.read(buffer, offset, (int) Math.min(length, left));
            if (count < 0) {
                throw new EOFException("connection closed " + left + " bytes before the end of the body");
            }
            left -= count;
            return count;
        }
    }

    private final class ChunkedBody extends Body {
        private InputStream chunk = new FixedBody(0);
        private boolean begun;
        private boolean ended;

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            while (!ended) {
                int count = chunk.read(buffer, offset, length);
                if (count >= 0) {
                    return count;
                }
                nextChunk();
            }
            return -1;
        }

        private void nextChunk() throws IOException {
            if (begun && !requireLine().isEmpty()) {
                throw new IOException("a chunk is longer than its size says");
            }
            begun = true;
            String size = requireLine().split(";", 2)[0].trim();
            int length = Integer.parseInt(size, 16);
            chunk = new FixedBody(length);
            if (length == 0) {
                readHeaders();
                ended = true;
            }
        }
    }
}
