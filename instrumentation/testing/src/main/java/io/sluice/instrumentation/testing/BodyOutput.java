package io.sluice.instrumentation.testing;

import java.io.Closeable;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Streams for a body that leave the connection's own stream open when they are closed. */
final class BodyOutput {
    private static final byte[] CRLF = {'\r', '\n'};

    private BodyOutput() {}

    /** Writes the bytes as they are; closing flushes. */
    static OutputStream plain(OutputStream out) {
        return new FilterOutputStream(out) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                out.write(bytes, offset, length);
            }

            @Override
            public void close() throws IOException {
                out.flush();
            }
        };
    }

    /** Writes each piece as a chunk, and the last chunk when it is closed (RFC 9112, 7.1). */
    static OutputStream chunked(OutputStream out) {
        return new FilterOutputStream(out) {
            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                if (length > 0) {
                    out.write(Integer.toHexString(length).getBytes(StandardCharsets.US_ASCII));
                    out.write(CRLF);
                    out.write(bytes, offset, length);
                    out.write(CRLF);
                }
            }

            @Override
            public void close() throws IOException {
                out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                out.flush();
            }
        };
    }

    /** Ends {@code body} by {@code ending} instead of its own {@code close()}. */
    static OutputStream endingWith(OutputStream body, Closeable ending) {
        return new FilterOutputStream(body) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                out.write(bytes, offset, length);
            }

            @Override
            public void close() throws IOException {
                ending.close();
            }
        };
    }

    /** Swallows the bytes; closing flushes the header that was written before. */
    static OutputStream nothing(OutputStream out) {
        return new FilterOutputStream(out) {
            @Override
            public void write(int b) {}

            @Override
            public void write(byte[] bytes, int offset, int length) {}

            @Override
            public void close() throws IOException {
                out.flush();
            }
        };
    }
}
