package io.sluice.agent.child;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.util.concurrent.ExecutionException;

/** {@code java.net.http} with HTTP/1.1, by its asynchronous method. */
public final class JavaHttpAsyncClient implements Client {
    private final HttpClient client;
    private final int timeoutMillis;

    public JavaHttpAsyncClient(ClientSpec spec) {
        client = JavaHttpClient.builder(spec)
                .version(HttpClient.Version.HTTP_1_1)
                .build();
        timeoutMillis = spec.readTimeoutMillis();
    }

    @Override
    public Answer get(String url) throws Exception {
        try {
            HttpResponse<String> response = client.sendAsync(
                            JavaHttpClient.request(url, timeoutMillis), HttpResponse.BodyHandlers.ofString())
                    .get();
            return new Answer(response.statusCode(), response.body());
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception ? (Exception) e.getCause() : e;
        }
    }
}
