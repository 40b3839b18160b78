package io.sluice.agent.child;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;

/** {@code java.net.http} with HTTP/1.1, by its asynchronous method. */
public final class JavaHttpAsyncClient implements AsyncClient {
    private final HttpClient client;
    private final int timeoutMillis;

    public JavaHttpAsyncClient(ClientSpec spec) {
        client = JavaHttpClient.builder(spec)
                .version(HttpClient.Version.HTTP_1_1)
                .build();
        timeoutMillis = spec.readTimeoutMillis();
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        return client.sendAsync(JavaHttpClient.request(url, timeoutMillis), HttpResponse.BodyHandlers.ofString())
                .thenApply(response -> new Answer(response.statusCode(), response.body()));
    }
}
