package io.sluice.telemetry;

import io.opentelemetry.sdk.common.export.HttpResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The agent's own HTTP client: posts one body and reads the answer, by {@code HttpURLConnection}, which every Java has from
 * 8 on. Its connections are not limited. Safe for use by several threads.
 */
final class HttpPost {
    /** Writes a request's body. */
    interface Body {
        /** Writes all of it and may close the stream. */
        void writeTo(OutputStream out) throws IOException;
    }

    private final Consumer<Runnable> exempt;
    private final Consumer<String> failures;

    /**
     * A client.
     *
     * @param exempt runs what it is given, at once and on the calling thread, outside the limits
     * @param failures is told of every request that was not answered with success; repetitions are its business
     */
    HttpPost(Consumer<Runnable> exempt, Consumer<String> failures) {
        this.exempt = exempt;
        this.failures = failures;
    }

    /**
     * Sends a request and blocks for the answer, however it turns out.
     *
     * @param tls null for the JVM's default
     * @throws IOException if there is no answer
     */
    HttpResponse send(
            URI endpoint,
            Map<String, List<String>> headers,
            Body body,
            Duration connectTimeout,
            Duration readTimeout,
            @Nullable SSLContext tls)
            throws IOException {
        @Nullable Object[] result = new @Nullable Object[1];
        exempt.accept(() -> {
            try {
                HttpURLConnection connection =
                        (HttpURLConnection) endpoint.toURL().openConnection();
                connection.setRequestMethod("POST");
                connection.setDoOutput(true);
                connection.setUseCaches(false);
                connection.setInstanceFollowRedirects(false); // the JDK would follow with a GET
                connection.setConnectTimeout(millis(connectTimeout));
                connection.setReadTimeout(millis(readTimeout));
                headers.forEach((name, values) -> values.forEach(value -> connection.addRequestProperty(name, value)));
                if (tls != null && connection instanceof HttpsURLConnection) {
                    ((HttpsURLConnection) connection).setSSLSocketFactory(tls.getSocketFactory());
                }
                // Not streamed: the JDK buffers it, and so can repeat it where a kept connection turns out to be
                // closed.
                try (OutputStream out = connection.getOutputStream()) {
                    body.writeTo(out);
                }
                result[0] = new Answer(connection);
            } catch (IOException | RuntimeException e) {
                result[0] = e;
            }
        });
        if (result[0] instanceof Answer) {
            Answer answer = (Answer) result[0];
            if (answer.status / 100 != 2) {
                failures.accept(endpoint + " answered " + answer.status + " " + answer.reason);
            }
            return answer;
        }
        IOException failure = new IOException(endpoint + ": " + result[0]);
        failures.accept(String.valueOf(failure.getMessage()));
        throw failure;
    }

    private static int millis(Duration timeout) {
        return (int) Math.min(Math.max(timeout.toMillis(), 0), Integer.MAX_VALUE);
    }

    private static final class Answer implements HttpResponse {
        /** Enough for an error's explanation; the rest is read and dropped, so that the connection can be kept. */
        private static final int BODY_BYTES = 16 * 1024;

        final int status;
        final String reason;
        private final byte[] body;

        Answer(HttpURLConnection connection) throws IOException {
            status = connection.getResponseCode();
            String message = connection.getResponseMessage();
            reason = message == null ? "" : message;
            try (InputStream in = status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
                body = in == null ? new byte[0] : read(in);
            }
        }

        private static byte[] read(InputStream in) throws IOException {
            ByteArrayOutputStream kept = new ByteArrayOutputStream();
            byte[] buffer = new byte[4096];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                kept.write(buffer, 0, Math.min(n, BODY_BYTES - kept.size()));
            }
            return kept.toByteArray();
        }

        @Override
        public int getStatusCode() {
            return status;
        }

        @Override
        public String getStatusMessage() {
            return reason;
        }

        @Override
        public byte[] getResponseBody() {
            return body;
        }
    }
}
