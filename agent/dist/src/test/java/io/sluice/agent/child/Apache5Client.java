package io.sluice.agent.child;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.EntityUtils;

/** Apache HttpClient 5, classic. */
public final class Apache5Client implements Client {
    private final CloseableHttpClient client;

    public Apache5Client(ClientSpec spec) {
        client = HttpClients.custom()
                .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                        .setMaxConnPerRoute(spec.maxPerServer())
                        .setMaxConnTotal(10 * spec.maxPerServer())
                        .build())
                .setProxy(spec.hasProxy() ? new HttpHost(spec.proxyHost(), spec.proxyPort()) : null)
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setResponseTimeout(spec.readTimeoutMillis(), TimeUnit.MILLISECONDS)
                        .build())
                .build();
    }

    @Override
    public Answer get(String url) throws IOException {
        return client.execute(
                new HttpGet(url),
                response -> new Answer(response.getCode(), EntityUtils.toString(response.getEntity())));
    }
}
