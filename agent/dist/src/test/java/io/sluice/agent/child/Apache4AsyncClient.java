package io.sluice.agent.child;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.apache.http.HttpHost;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.impl.nio.client.CloseableHttpAsyncClient;
import org.apache.http.impl.nio.client.HttpAsyncClients;
import org.apache.http.util.EntityUtils;

/** Apache HttpAsyncClient 4. */
public final class Apache4AsyncClient implements AsyncClient {
    private final CloseableHttpAsyncClient client;

    public Apache4AsyncClient(ClientSpec spec) {
        client = HttpAsyncClients.custom()
                .useSystemProperties()
                .setThreadFactory(Daemons::thread)
                .setMaxConnPerRoute(spec.maxPerServer())
                .setMaxConnTotal(10 * spec.maxPerServer())
                .setProxy(spec.hasProxy() ? new HttpHost(spec.proxyHost(), spec.proxyPort()) : null)
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setSocketTimeout(spec.readTimeoutMillis())
                        .build())
                .build();
        client.start();
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        client.execute(new HttpGet(url), new FutureCallback<HttpResponse>() {
            @Override
            public void completed(HttpResponse response) {
                try {
                    answer.complete(new Answer(
                            response.getStatusLine().getStatusCode(), EntityUtils.toString(response.getEntity())));
                } catch (IOException e) {
                    answer.completeExceptionally(e);
                }
            }

            @Override
            public void failed(Exception e) {
                answer.completeExceptionally(e);
            }

            @Override
            public void cancelled() {
                answer.cancel(false);
            }
        });
        return answer;
    }
}
