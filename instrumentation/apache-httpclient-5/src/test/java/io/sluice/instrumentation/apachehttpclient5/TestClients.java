package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.instrumentation.testing.ContractClient;
import java.net.InetSocketAddress;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.DefaultHttpRequestRetryStrategy;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.CloseableHttpResponse;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.BasicHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.socket.ConnectionSocketFactory;
import org.apache.hc.client5.http.socket.PlainConnectionSocketFactory;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.SSLConnectionSocketFactory;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.RegistryBuilder;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.util.TimeValue;
import org.jspecify.annotations.Nullable;

/** Makes clients with what 5.0 and the newest version have in common. */
@SuppressWarnings("deprecation") // the TLS of 5.0 to 5.3, which the basic manager here has in every version
final class TestClients {
    private TestClients() {}

    /** Whether the client on the class path has this concurrency policy. */
    static @Nullable PoolConcurrencyPolicy policy(String name) {
        for (PoolConcurrencyPolicy policy : PoolConcurrencyPolicy.values()) {
            if (policy.name().equals(name)) {
                return policy;
            }
        }
        return null;
    }

    static PoolingHttpClientConnectionManager pooling(PoolConcurrencyPolicy policy, @Nullable SSLContext tls) {
        PoolingHttpClientConnectionManagerBuilder builder = PoolingHttpClientConnectionManagerBuilder.create()
                .setPoolConcurrencyPolicy(policy)
                .setMaxConnPerRoute(60)
                .setMaxConnTotal(100);
        if (tls != null && hasTlsStrategies()) {
            TlsSince54.use(builder, tls);
        } else if (tls != null) {
            builder.setSSLSocketFactory(new SSLConnectionSocketFactory(tls));
        }
        return builder.build();
    }

    static BasicHttpClientConnectionManager basic(@Nullable SSLContext tls) {
        return tls == null
                ? new BasicHttpClientConnectionManager()
                : new BasicHttpClientConnectionManager(RegistryBuilder.<ConnectionSocketFactory>create()
                        .register("http", PlainConnectionSocketFactory.INSTANCE)
                        .register("https", new SSLConnectionSocketFactory(tls))
                        .build());
    }

    private static boolean hasTlsStrategies() {
        try {
            Class.forName("org.apache.hc.client5.http.ssl.TlsSocketStrategy");
            return true;
        } catch (ClassNotFoundException olderVersion) {
            return false;
        }
    }

    /** Retries as by default, but at once. */
    static HttpClientBuilder builder(HttpClientConnectionManager manager, @Nullable InetSocketAddress proxy) {
        HttpClientBuilder builder = HttpClients.custom()
                .setConnectionManager(manager)
                .setRetryStrategy(new DefaultHttpRequestRetryStrategy(1, TimeValue.ofMilliseconds(5)));
        if (proxy != null) {
            builder.setProxy(new HttpHost(proxy.getHostString(), proxy.getPort()));
        }
        return builder;
    }

    static String get(CloseableHttpClient client, String url) throws Exception {
        return execute(client, new HttpGet(url));
    }

    /** The status, a blank and the body. */
    static String execute(CloseableHttpClient client, HttpUriRequestBase request) throws Exception {
        try (CloseableHttpResponse response = client.execute(request)) {
            String body = response.getEntity() == null ? "" : EntityUtils.toString(response.getEntity());
            return response.getCode() + " " + body;
        }
    }

    /** Names what 5.0 lacks, so it must not be loaded there. */
    private static final class TlsSince54 {
        static void use(PoolingHttpClientConnectionManagerBuilder builder, SSLContext tls) {
            builder.setTlsSocketStrategy(new DefaultClientTlsStrategy(tls));
        }
    }

    /** One client with its own connection manager. */
    static final class Client implements ContractClient {
        private final CloseableHttpClient client;

        Client(CloseableHttpClient client) {
            this.client = client;
        }

        @Override
        public String get(String url) throws Exception {
            return TestClients.get(client, url);
        }

        @Override
        public String post(String url, byte[] body) throws Exception {
            HttpPost post = new HttpPost(url);
            post.setEntity(new ByteArrayEntity(body, ContentType.APPLICATION_OCTET_STREAM));
            return execute(client, post);
        }

        @Override
        public void close() throws Exception {
            client.close();
        }
    }
}
