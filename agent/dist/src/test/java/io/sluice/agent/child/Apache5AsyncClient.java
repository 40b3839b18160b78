package io.sluice.agent.child;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.async.methods.SimpleRequestBuilder;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.HttpHost;

/** Apache HttpClient 5, asynchronous. */
public final class Apache5AsyncClient implements AsyncClient {
    private final CloseableHttpAsyncClient client;

    public Apache5AsyncClient(ClientSpec spec) {
        client = HttpAsyncClients.custom()
                .setThreadFactory(Daemons::thread)
                .setConnectionManager(PoolingAsyncClientConnectionManagerBuilder.create()
                        .useSystemProperties()
                        .setMaxConnPerRoute(spec.maxPerServer())
                        .setMaxConnTotal(10 * spec.maxPerServer())
                        .build())
                .setProxy(spec.hasProxy() ? new HttpHost(spec.proxyHost(), spec.proxyPort()) : null)
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setResponseTimeout(spec.readTimeoutMillis(), TimeUnit.MILLISECONDS)
                        .build())
                .build();
        client.start();
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        SimpleHttpRequest request = SimpleRequestBuilder.get(url).build();
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        client.execute(request, new FutureCallback<SimpleHttpResponse>() {
            @Override
            public void completed(SimpleHttpResponse response) {
                answer.complete(new Answer(response.getCode(), response.getBodyText()));
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
