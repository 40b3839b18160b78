package io.sluice.agent.child;

import java.io.IOException;
import org.apache.http.HttpHost;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/** Apache HttpClient 4. */
public final class Apache4Client implements Client {
    private final CloseableHttpClient client;

    public Apache4Client(ClientSpec spec) {
        client = HttpClients.custom()
                .setMaxConnPerRoute(spec.maxPerServer())
                .setMaxConnTotal(10 * spec.maxPerServer())
                .setProxy(spec.hasProxy() ? new HttpHost(spec.proxyHost(), spec.proxyPort()) : null)
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setSocketTimeout(spec.readTimeoutMillis())
                        .build())
                .build();
    }

    @Override
    public Answer get(String url) throws IOException {
        try (CloseableHttpResponse response = client.execute(new HttpGet(url))) {
            return new Answer(
                    response.getStatusLine().getStatusCode(), EntityUtils.toString(response.getEntity(), "UTF-8"));
        }
    }
}
