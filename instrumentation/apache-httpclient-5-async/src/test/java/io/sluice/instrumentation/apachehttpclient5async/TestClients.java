package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.instrumentation.testing.ContractClient;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.async.methods.SimpleRequestProducer;
import org.apache.hc.client5.http.async.methods.SimpleResponseConsumer;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.DefaultHttpRequestRetryStrategy;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClientBuilder;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http2.HttpVersionPolicy;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.util.DeadlineTimeoutException;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** Makes clients with what 5.0 and the newest version have in common. */
@SuppressWarnings("deprecation") // what 5.0 has
final class TestClients {
    private TestClients() {}

    /** The concurrency policy of this name, or null where the client on the class path does not have it. */
    static @Nullable PoolConcurrencyPolicy policy(String name) {
        for (PoolConcurrencyPolicy policy : PoolConcurrencyPolicy.values()) {
            if (policy.name().equals(name)) {
                return policy;
            }
        }
        return null;
    }

    static PoolingAsyncClientConnectionManager pooling(PoolConcurrencyPolicy policy, @Nullable SSLContext tls) {
        return managers(policy, tls).build();
    }

    static PoolingAsyncClientConnectionManagerBuilder managers(PoolConcurrencyPolicy policy, @Nullable SSLContext tls) {
        PoolingAsyncClientConnectionManagerBuilder builder = PoolingAsyncClientConnectionManagerBuilder.create()
                .setPoolConcurrencyPolicy(policy)
                .setMaxConnPerRoute(60)
                .setMaxConnTotal(100);
        if (tls != null) {
            builder.setTlsStrategy(
                    ClientTlsStrategyBuilder.create().setSslContext(tls).build());
        }
        return builder;
    }

    /** Speaks HTTP/1.1 and retries as by default, but at once. Not started yet. */
    static HttpAsyncClientBuilder builder(
            PoolingAsyncClientConnectionManager manager, @Nullable InetSocketAddress proxy) {
        HttpAsyncClientBuilder builder = HttpAsyncClients.custom()
                .setVersionPolicy(HttpVersionPolicy.FORCE_HTTP_1)
                .setConnectionManager(manager)
                .setRetryStrategy(new DefaultHttpRequestRetryStrategy(1, TimeValue.ofMilliseconds(5)));
        if (proxy != null) {
            builder.setProxy(new HttpHost(proxy.getHostString(), proxy.getPort()));
        }
        return builder;
    }

    static CloseableHttpAsyncClient started(HttpAsyncClientBuilder builder) {
        CloseableHttpAsyncClient client = builder.build();
        client.start();
        return client;
    }

    static SimpleHttpRequest request(String method, String url) {
        SimpleHttpRequest request = new SimpleHttpRequest(method, URI.create(url));
        request.setConfig(RequestConfig.custom()
                .setConnectionRequestTimeout(Timeout.ofSeconds(60))
                .setConnectTimeout(Timeout.ofSeconds(20))
                .build());
        return request;
    }

    static Future<SimpleHttpResponse> send(CloseableHttpAsyncClient client, String url) {
        return send(client, request("GET", url));
    }

    /** In 5.0, cancelling the future of the simpler method reaches nothing. */
    static Future<SimpleHttpResponse> send(CloseableHttpAsyncClient client, SimpleHttpRequest request) {
        return client.execute(SimpleRequestProducer.create(request), SimpleResponseConsumer.create(), null);
    }

    static String get(CloseableHttpAsyncClient client, String url) throws Exception {
        return text(send(client, url));
    }

    /** The status, a blank and the body. */
    static String text(Future<SimpleHttpResponse> future) throws Exception {
        SimpleHttpResponse response;
        try {
            response = future.get(50, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            throw cause(failed);
        }
        String body = response.getBodyText();
        return response.getCode() + " " + (body == null ? "" : body);
    }

    private static Exception cause(ExecutionException failed) {
        Throwable cause = failed.getCause();
        // The client's own exception cannot be given a message: what was waited for is its cause.
        if (cause instanceof DeadlineTimeoutException && cause.getCause() instanceof Exception) {
            return (Exception) cause.getCause();
        }
        return cause instanceof Exception ? (Exception) cause : failed;
    }

    /** One client with its own connection manager. */
    static final class Client implements ContractClient {
        private final CloseableHttpAsyncClient client;

        Client(CloseableHttpAsyncClient client) {
            this.client = client;
        }

        @Override
        public String get(String url) throws Exception {
            return TestClients.get(client, url);
        }

        @Override
        public String post(String url, byte[] body) throws Exception {
            SimpleHttpRequest post = request("POST", url);
            post.setBody(body, ContentType.APPLICATION_OCTET_STREAM);
            return text(send(client, post));
        }

        @Override
        public void close() throws Exception {
            client.close();
        }
    }
}
