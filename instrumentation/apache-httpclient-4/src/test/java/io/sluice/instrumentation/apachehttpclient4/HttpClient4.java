package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.instrumentation.testing.ContractClient;
import java.io.IOException;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.apache.http.HttpHost;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.client.methods.HttpUriRequest;
import org.apache.http.config.Registry;
import org.apache.http.config.RegistryBuilder;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.conn.socket.ConnectionSocketFactory;
import org.apache.http.conn.socket.PlainConnectionSocketFactory;
import org.apache.http.conn.ssl.SSLConnectionSocketFactory;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClientBuilder;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.impl.conn.BasicHttpClientConnectionManager;
import org.apache.http.impl.conn.PoolingHttpClientConnectionManager;
import org.apache.http.util.EntityUtils;

/** A client with one manager. Uses nothing that 4.3 does not have. */
final class HttpClient4 implements ContractClient {
    final CloseableHttpClient http;

    HttpClient4(CloseableHttpClient http) {
        this.http = http;
    }

    static HttpClient4 pooling(Setup setup) {
        return with(setup, sockets -> {
            PoolingHttpClientConnectionManager manager = new PoolingHttpClientConnectionManager(sockets);
            manager.setMaxTotal(100);
            manager.setDefaultMaxPerRoute(100);
            return manager;
        });
    }

    static HttpClient4 basic(Setup setup) {
        return with(setup, BasicHttpClientConnectionManager::new);
    }

    private static HttpClient4 with(
            Setup setup, Function<Registry<ConnectionSocketFactory>, HttpClientConnectionManager> manager) {
        HttpClientBuilder builder = HttpClients.custom().setConnectionManager(manager.apply(sockets(setup.tls())));
        if (setup.proxy() != null) {
            builder.setProxy(
                    new HttpHost(setup.proxy().getHostString(), setup.proxy().getPort()));
        }
        return new HttpClient4(builder.build());
    }

    private static Registry<ConnectionSocketFactory> sockets(SSLContext tls) {
        return RegistryBuilder.<ConnectionSocketFactory>create()
                .register("http", PlainConnectionSocketFactory.getSocketFactory())
                .register(
                        "https",
                        tls == null
                                ? SSLConnectionSocketFactory.getSocketFactory()
                                : new SSLConnectionSocketFactory(tls))
                .build();
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
        try (CloseableHttpResponse response = http.execute(request)) {
            String body = response.getEntity() == null ? "" : EntityUtils.toString(response.getEntity());
            return response.getStatusLine().getStatusCode() + " " + body;
        }
    }

    @Override
    public void close() throws IOException {
        http.close();
    }
}
