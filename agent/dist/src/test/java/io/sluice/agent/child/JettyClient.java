package io.sluice.agent.child;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.HttpProxy;
import org.eclipse.jetty.client.api.ContentResponse;
import org.eclipse.jetty.client.api.Request;
import org.eclipse.jetty.client.api.Result;
import org.eclipse.jetty.client.util.BufferingResponseListener;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;

/** Jetty's client, 9.4. */
public final class JettyClient implements AsyncClient {
    private final HttpClient client;
    private final int timeoutMillis;

    public JettyClient(ClientSpec spec) {
        SslContextFactory.Client tls = new SslContextFactory.Client();
        String trusted = System.getProperty("javax.net.ssl.trustStore");
        if (trusted != null) {
            tls.setTrustStorePath(trusted);
            tls.setTrustStoreType(System.getProperty("javax.net.ssl.trustStoreType"));
        }
        client = new HttpClient(tls);
        QueuedThreadPool threads = new QueuedThreadPool();
        threads.setDaemon(true);
        client.setExecutor(threads);
        client.setScheduler(new ScheduledExecutorScheduler(null, true));
        client.setMaxConnectionsPerDestination(spec.maxPerServer());
        if (spec.hasProxy()) {
            client.getProxyConfiguration().getProxies().add(new HttpProxy(spec.proxyHost(), spec.proxyPort()));
        }
        timeoutMillis = spec.readTimeoutMillis();
        try {
            client.start();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private Request request(String url) {
        Request request = client.newRequest(url);
        if (timeoutMillis > 0) {
            request.timeout(timeoutMillis, TimeUnit.MILLISECONDS);
        }
        return request;
    }

    @Override
    public Answer get(String url) throws Exception {
        try {
            ContentResponse response = request(url).send();
            return new Answer(response.getStatus(), response.getContentAsString());
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception ? (Exception) e.getCause() : e;
        }
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        request(url).send(new BufferingResponseListener() {
            @Override
            public void onComplete(Result result) {
                if (result.isFailed()) {
                    answer.completeExceptionally(result.getFailure());
                } else {
                    answer.complete(new Answer(result.getResponse().getStatus(), getContentAsString()));
                }
            }
        });
        return answer;
    }
}
