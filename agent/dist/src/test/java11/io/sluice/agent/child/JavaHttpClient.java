package io.sluice.agent.child;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** {@code java.net.http} as it is without settings: prefers HTTP/2, sends from the calling thread. */
public final class JavaHttpClient implements Client {
    private final HttpClient client;
    private final int timeoutMillis;

    public JavaHttpClient(ClientSpec spec) {
        client = builder(spec).build();
        timeoutMillis = spec.readTimeoutMillis();
    }

    static HttpClient.Builder builder(ClientSpec spec) {
        HttpClient.Builder builder = HttpClient.newBuilder();
        if (spec.hasProxy()) {
            builder.proxy(ProxySelector.of(new InetSocketAddress(spec.proxyHost(), spec.proxyPort())));
        }
        return builder;
    }

    static HttpRequest request(String url, int timeoutMillis) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        if (timeoutMillis > 0) {
            request.timeout(Duration.ofMillis(timeoutMillis));
        }
        return request.build();
    }

    @Override
    public Answer get(String url) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request(url, timeoutMillis), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body());
    }
}
