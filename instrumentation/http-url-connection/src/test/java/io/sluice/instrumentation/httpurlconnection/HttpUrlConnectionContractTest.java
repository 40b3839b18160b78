package io.sluice.instrumentation.httpurlconnection;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URL;
import javax.net.ssl.HttpsURLConnection;
import org.jspecify.annotations.Nullable;

class HttpUrlConnectionContractTest extends HttpClientContract {
    @Override
    protected ContractClient client(ContractClient.Setup setup) {
        return new UrlConnectionClient(setup);
    }

    @Override
    protected boolean isTimeout(Throwable thrown) {
        return thrown instanceof SocketTimeoutException;
    }

    /** All such clients share the JVM's cache, unless their TLS factories differ. */
    static final class UrlConnectionClient implements ContractClient {
        private final Setup setup;

        UrlConnectionClient(Setup setup) {
            this.setup = setup;
        }

        HttpURLConnection open(String url) throws IOException {
            Proxy proxy = setup.proxy() == null ? Proxy.NO_PROXY : new Proxy(Proxy.Type.HTTP, setup.proxy());
            HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection(proxy);
            if (setup.tls() != null && connection instanceof HttpsURLConnection) {
                ((HttpsURLConnection) connection)
                        .setSSLSocketFactory(setup.tls().getSocketFactory());
            }
            return connection;
        }

        @Override
        public String get(String url) throws IOException {
            return read(open(url));
        }

        @Override
        public String post(String url, byte[] body) throws IOException {
            HttpURLConnection connection = open(url);
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            connection.getOutputStream().write(body);
            return read(connection);
        }

        private static String read(HttpURLConnection connection) throws IOException {
            int status = connection.getResponseCode();
            try (InputStream in = status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
                return status + " " + readAll(in);
            }
        }

        private static String readAll(@Nullable InputStream in) throws IOException {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[4096];
            for (int read = in == null ? -1 : in.read(buffer); read >= 0; read = in.read(buffer)) {
                out.write(buffer, 0, read);
            }
            return out.toString("US-ASCII");
        }

        @Override
        public void close() {}
    }
}
