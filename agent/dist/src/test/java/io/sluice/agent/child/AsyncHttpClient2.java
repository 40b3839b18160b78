package io.sluice.agent.child;

import io.netty.handler.ssl.SslContextBuilder;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLException;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.proxy.ProxyServer;

/** AsyncHttpClient 2. */
public final class AsyncHttpClient2 implements AsyncClient {
    private final AsyncHttpClient client;

    public AsyncHttpClient2(ClientSpec spec) throws SSLException {
        DefaultAsyncHttpClientConfig.Builder config = Dsl.config()
                .setThreadFactory(Daemons::thread)
                .setMaxRequestRetry(0)
                .setMaxConnectionsPerHost(spec.maxPerServer())
                .setSslContext(SslContextBuilder.forClient().build());
        if (spec.readTimeoutMillis() > 0) {
            config.setReadTimeout(spec.readTimeoutMillis());
        }
        if (spec.hasProxy()) {
            config.setProxyServer(new ProxyServer.Builder(spec.proxyHost(), spec.proxyPort()));
        }
        client = Dsl.asyncHttpClient(config);
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        return client.prepareGet(url)
                .execute()
                .toCompletableFuture()
                .thenApply(response -> new Answer(response.getStatusCode(), response.getResponseBody()));
    }
}
