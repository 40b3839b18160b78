package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.instrumentation.testing.ContractClient;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.http.HttpHost;
import org.apache.http.HttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.client.methods.HttpUriRequest;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.impl.nio.client.CloseableHttpAsyncClient;
import org.apache.http.impl.nio.client.HttpAsyncClientBuilder;
import org.apache.http.impl.nio.client.HttpAsyncClients;
import org.apache.http.util.EntityUtils;

/** A client with a pool of its own. Uses nothing that 4.0 does not have. */
final class AsyncClient4 implements ContractClient {
    final CloseableHttpAsyncClient http;

    AsyncClient4(CloseableHttpAsyncClient http) {
        this.http = http;
        http.start();
    }

    static AsyncClient4 with(Setup setup) {
        return new AsyncClient4(builder(setup).build());
    }

    static HttpAsyncClientBuilder builder(Setup setup) {
        HttpAsyncClientBuilder builder =
                HttpAsyncClients.custom().setMaxConnTotal(200).setMaxConnPerRoute(100);
        if (setup.proxy() != null) {
            builder.setProxy(
                    new HttpHost(setup.proxy().getHostString(), setup.proxy().getPort()));
        }
        if (setup.tls() != null) {
            builder.setSSLContext(setup.tls());
        }
        return builder;
    }

    @Override
    public String get(String url) throws Exception {
        return execute(new HttpGet(url));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        HttpPost post = new HttpPost(url);
        post.setEntity(new ByteArrayEntity(body));
        return execute(post);
    }

    Future<HttpResponse> send(String url) {
        return http.execute(new HttpGet(url), null);
    }

    String execute(HttpUriRequest request) throws Exception {
        return text(http.execute(request, null));
    }

    /** What comes of it: status and body, or the cause of the failure. */
    static String text(Future<HttpResponse> future) throws Exception {
        try {
            HttpResponse response = future.get(30, TimeUnit.SECONDS);
            if (response == null || future.isCancelled()) {
                throw new CancellationException("before 4.1 there is just no result");
            }
            String body = response.getEntity() == null ? "" : EntityUtils.toString(response.getEntity());
            return response.getStatusLine().getStatusCode() + " " + body;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception ? (Exception) e.getCause() : e;
        } catch (TimeoutException e) {
            throw new AssertionError("the future never ends", e);
        }
    }

    @Override
    public void close() throws Exception {
        http.close();
    }
}
