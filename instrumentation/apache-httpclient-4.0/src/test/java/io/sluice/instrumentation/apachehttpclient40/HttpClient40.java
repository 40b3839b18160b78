package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.instrumentation.testing.ContractClient;
import java.io.IOException;
import org.apache.http.HttpHost;
import org.apache.http.HttpResponse;
import org.apache.http.client.HttpClient;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.client.methods.HttpUriRequest;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.params.ConnRoutePNames;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.impl.client.DefaultHttpClient;
import org.apache.http.impl.client.DefaultHttpRequestRetryHandler;
import org.apache.http.params.BasicHttpParams;
import org.apache.http.util.EntityUtils;

/** A client with one manager. Uses nothing that 4.0 does not have. */
@SuppressWarnings("deprecation") // since 4.3 everything here is
final class HttpClient40 implements ContractClient {
    /** The client as 4.0 declares its methods; later ones return more. */
    final HttpClient http;

    final DefaultHttpClient settings;

    private HttpClient40(DefaultHttpClient http) {
        this.http = http;
        settings = http;
    }

    static HttpClient40 of(Kind kind, Setup setup) {
        HttpClient40 made = new HttpClient40(
                new DefaultHttpClient(kind.make(Kind.schemes(setup.tls()), 100, 100), new BasicHttpParams()));
        if (setup.proxy() != null) {
            made.http
                    .getParams()
                    .setParameter(
                            ConnRoutePNames.DEFAULT_PROXY,
                            new HttpHost(
                                    setup.proxy().getHostString(), setup.proxy().getPort()));
        }
        return made;
    }

    static HttpClient40 on(ClientConnectionManager manager) {
        DefaultHttpClient http = new DefaultHttpClient(manager, new BasicHttpParams());
        http.setHttpRequestRetryHandler(new DefaultHttpRequestRetryHandler(0, false));
        return new HttpClient40(http);
    }

    @Override
    public String get(String url) throws IOException {
        return execute(new HttpGet(url));
    }

    @Override
    public String post(String url, byte[] body) throws IOException {
        HttpPost post = new HttpPost(url);
        post.setEntity(new ByteArrayEntity(body));
        return execute(post);
    }

    String execute(HttpUriRequest request) throws IOException {
        HttpResponse response = http.execute(request);
        String body = response.getEntity() == null ? "" : EntityUtils.toString(response.getEntity());
        return response.getStatusLine().getStatusCode() + " " + body;
    }

    @Override
    public void close() {
        http.getConnectionManager().shutdown();
    }
}
