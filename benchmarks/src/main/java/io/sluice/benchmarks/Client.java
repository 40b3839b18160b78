package io.sluice.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.util.EntityUtils;

/** The clients whose exchanges are measured, each as its documentation says it should be used. */
public enum Client {
    /** {@link HttpURLConnection}. */
    HTTP_URL_CONNECTION("HttpURLConnection") {
        @Override
        Session open(URI uri) throws IOException {
            URL url = uri.toURL();
            return () -> {
                HttpURLConnection connection = (HttpURLConnection) url.openConnection();
                try (InputStream body = connection.getInputStream()) {
                    return body.readAllBytes().length;
                }
            };
        }
    },
    /** {@link HttpClient}, which would offer HTTP/2 with its first request if it were not told otherwise. */
    JAVA_NET_HTTP("java.net.http") {
        @Override
        Session open(URI uri) {
            HttpClient client =
                    HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            HttpRequest request = HttpRequest.newBuilder(uri).build();
            return () -> client.send(request, HttpResponse.BodyHandlers.ofByteArray())
                    .body()
                    .length;
        }
    },
    /** Apache HttpClient 4.5 with its pooling connection manager. */
    APACHE_4("Apache HttpClient 4.5") {
        @Override
        Session open(URI uri) {
            CloseableHttpClient client = org.apache.http.impl.client.HttpClients.createDefault();
            return () ->
                    client.execute(new HttpGet(uri), response -> EntityUtils.toByteArray(response.getEntity()).length);
        }
    },
    /** Apache HttpClient 5 with its pooling connection manager. */
    APACHE_5("Apache HttpClient 5") {
        @Override
        Session open(URI uri) {
            org.apache.hc.client5.http.impl.classic.CloseableHttpClient client =
                    org.apache.hc.client5.http.impl.classic.HttpClients.createDefault();
            return () -> client.execute(
                    new org.apache.hc.client5.http.classic.methods.HttpGet(uri),
                    response ->
                            org.apache.hc.core5.http.io.entity.EntityUtils.toByteArray(response.getEntity()).length);
        }
    };

    /** A client that is ready to send the same request over and over. For one thread. */
    interface Session {
        /** Sends the request, blocks until the response is read to its end, and returns the length of its body. */
        int exchange() throws IOException, InterruptedException;
    }

    private final String title;

    Client(String title) {
        this.title = title;
    }

    /** A client of its own, without a connection yet. It is never closed: it ends with its JVM. */
    abstract Session open(URI uri) throws IOException;

    /** The library's name. */
    String title() {
        return title;
    }
}
