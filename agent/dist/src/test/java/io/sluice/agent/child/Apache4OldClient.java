package io.sluice.agent.child;

import java.io.IOException;
import org.apache.http.HttpHost;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.conn.params.ConnRoutePNames;
import org.apache.http.impl.client.DefaultHttpClient;
import org.apache.http.impl.conn.PoolingClientConnectionManager;
import org.apache.http.params.HttpConnectionParams;
import org.apache.http.util.EntityUtils;

/** Apache HttpClient 4 by the API of its first versions. */
@SuppressWarnings("deprecation") // that is the point
public final class Apache4OldClient implements Client {
    private final DefaultHttpClient client;

    public Apache4OldClient(ClientSpec spec) {
        PoolingClientConnectionManager manager = new PoolingClientConnectionManager();
        manager.setDefaultMaxPerRoute(spec.maxPerServer());
        manager.setMaxTotal(10 * spec.maxPerServer());
        client = new DefaultHttpClient(manager);
        HttpConnectionParams.setSoTimeout(client.getParams(), spec.readTimeoutMillis());
        if (spec.hasProxy()) {
            client.getParams()
                    .setParameter(ConnRoutePNames.DEFAULT_PROXY, new HttpHost(spec.proxyHost(), spec.proxyPort()));
        }
    }

    @Override
    public Answer get(String url) throws IOException {
        return client.execute(
                new HttpGet(url),
                response -> new Answer(
                        response.getStatusLine().getStatusCode(), EntityUtils.toString(response.getEntity())));
    }
}
