package io.sluice.agent.child;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.JksOptions;
import io.vertx.core.net.ProxyOptions;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Vert.x 4. */
public final class VertxClient implements AsyncClient {
    /** It tells the standard error of every connection that is reset, and has no setting against that. */
    private static final Logger LOGGER = Logger.getLogger("io.vertx");

    static {
        LOGGER.setLevel(Level.OFF);
    }

    private final HttpClient client;
    private final int timeoutMillis;

    public VertxClient(ClientSpec spec) {
        HttpClientOptions options =
                new HttpClientOptions().setMaxPoolSize(spec.maxPerServer()).setVerifyHost(false);
        if (spec.prefersHttp2()) {
            options.setUseAlpn(true).setProtocolVersion(HttpVersion.HTTP_2);
        }
        String trusted = System.getProperty("javax.net.ssl.trustStore");
        if (trusted != null) {
            options.setTrustOptions(new JksOptions().setPath(trusted).setPassword("changeit"));
        }
        if (spec.hasProxy()) {
            options.setProxyOptions(new ProxyOptions().setHost(spec.proxyHost()).setPort(spec.proxyPort()));
        }
        Vertx vertx = Vertx.vertx(new VertxOptions().setUseDaemonThread(true));
        client = vertx.createHttpClient(options);
        timeoutMillis = spec.readTimeoutMillis();
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.GET)
                .setAbsoluteURI(url)
                .setTimeout(timeoutMillis);
        Future<Answer> answer = client.request(options)
                .compose(HttpClientRequest::send)
                .compose(response -> response.body().map(body -> new Answer(response.statusCode(), body.toString())));
        return answer.toCompletionStage().toCompletableFuture();
    }
}
