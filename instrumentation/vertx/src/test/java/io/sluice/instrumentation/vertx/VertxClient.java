package io.sluice.instrumentation.vertx;

import io.sluice.instrumentation.testing.ContractClient;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The client of Vert.x 4 and 5, by what both have: their classes are binary compatible where this uses them, except for the
 * type of what {@code createHttpClient} returns.
 */
final class VertxClient implements ContractClient {
    static {
        // Surefire's capture of the output fails for good where it begins on a thread without a context class loader,
        // such
        // as an event loop of 4.0 that logs.
        System.err.print("");
    }

    private final Vertx vertx;
    private final boolean ownsVertx;
    private final HttpClient client;

    VertxClient(Setup setup) {
        this(Vertx.vertx(), true, options(setup), new PoolSizes().setHttp1MaxSize(50));
    }

    VertxClient(Vertx vertx, HttpClientOptions options, PoolSizes sizes) {
        this(vertx, false, options, sizes);
    }

    private VertxClient(Vertx vertx, boolean ownsVertx, HttpClientOptions options, PoolSizes sizes) {
        this.vertx = vertx;
        this.ownsVertx = ownsVertx;
        this.client = sizes.client(vertx, options);
    }

    static HttpClientOptions options(Setup setup) {
        HttpClientOptions options = new HttpClientOptions();
        if (setup.tls() != null) {
            options.setTrustAll(true).setVerifyHost(false);
        }
        if (setup.proxy() != null) {
            options.setProxyOptions(new ProxyOptions()
                    .setType(ProxyType.HTTP)
                    .setHost(setup.proxy().getHostString())
                    .setPort(setup.proxy().getPort()));
        }
        return options;
    }

    HttpClient client() {
        return client;
    }

    Future<String> send(HttpMethod method, String url, byte @Nullable [] body) {
        RequestOptions request =
                new RequestOptions().setMethod(method).setAbsoluteURI(url).setFollowRedirects(true);
        return send(request, body);
    }

    Future<String> send(RequestOptions request, byte @Nullable [] body) {
        // Nested, on the context's own thread: a body that is asked for too late is lost.
        return client.request(request)
                .compose(made -> (body == null ? made.send() : made.send(Buffer.buffer(body)))
                        .compose(response -> response.body().map(read -> response.statusCode() + " " + read)));
    }

    Future<String> get(RequestOptions request) {
        return send(request, null);
    }

    Future<String> getLater(String url) {
        return send(HttpMethod.GET, url, null);
    }

    @Override
    public String get(String url) throws Exception {
        return await(getLater(url));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        return await(send(HttpMethod.POST, url, body));
    }

    static <T> T await(Future<T> future) throws Exception {
        try {
            return future.toCompletionStage().toCompletableFuture().get(40, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception ? (Exception) e.getCause() : e;
        }
    }

    @Override
    public void close() throws Exception {
        await(client.close());
        if (ownsVertx) {
            await(vertx.close());
        }
    }
}
