package io.sluice.agent.child;

import org.apache.http.HttpHost;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.nio.client.CloseableHttpAsyncClient;
import org.apache.http.impl.nio.client.HttpAsyncClients;
import org.apache.http.util.EntityUtils;

/** Apache HttpAsyncClient 4. */
public final class Apache4AsyncClient implements Client {
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
    public Answer get(String url) throws Exception {
        HttpResponse response = Futures.get(client.execute(new HttpGet(url), null));
        return new Answer(response.getStatusLine().getStatusCode(), EntityUtils.toString(response.getEntity()));
    }
}
