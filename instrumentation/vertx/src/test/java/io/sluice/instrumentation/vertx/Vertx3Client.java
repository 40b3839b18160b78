package io.sluice.instrumentation.vertx;

import io.sluice.instrumentation.testing.ContractClient;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The client of Vert.x 3.9, which has callbacks instead of futures; by reflection, as the tests are compiled against 4. */
final class Vertx3Client implements ContractClient {
    private final Vertx vertx;
    private final boolean ownsVertx;
    private final HttpClient client;

    Vertx3Client(Setup setup) {
        this(Vertx.vertx(), true, VertxClient.options(setup).setMaxPoolSize(50));
    }

    Vertx3Client(Vertx vertx, HttpClientOptions options) {
        this(vertx, false, options);
    }

    private Vertx3Client(Vertx vertx, boolean ownsVertx, HttpClientOptions options) {
        this.vertx = vertx;
        this.ownsVertx = ownsVertx;
        this.client = vertx.createHttpClient(options);
    }

    /** A request that has not been sent. */
    HttpClientRequest request(String method, String url, CompletableFuture<String> result) {
        try {
            Object verb = HttpMethod.class.getMethod("valueOf", String.class).invoke(null, method);
            HttpClientRequest request = (HttpClientRequest) HttpClient.class
                    .getMethod("requestAbs", HttpMethod.class, String.class)
                    .invoke(client, verb, url);
            call(request, "setFollowRedirects", boolean.class, true);
            call(request, "exceptionHandler", Handler.class, failing(result));
            Handler<HttpClientResponse> read = response -> {
                call(response, "exceptionHandler", Handler.class, failing(result));
                Handler<Buffer> whole = body -> result.complete(response.statusCode() + " " + body);
                call(response, "bodyHandler", Handler.class, whole);
            };
            call(request, "handler", Handler.class, read);
            return request;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Handler<Throwable> failing(CompletableFuture<String> result) {
        return result::completeExceptionally;
    }

    static void call(Object target, String method, Class<?> parameter, Object argument) {
        try {
            for (Class<?> type : new Class<?>[] {HttpClientRequest.class, HttpClientResponse.class}) {
                if (type.isInstance(target)) {
                    type.getMethod(method, parameter).invoke(target, argument);
                }
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    static void end(HttpClientRequest request) {
        try {
            HttpClientRequest.class.getMethod("end").invoke(request);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    CompletableFuture<String> getLater(String url) {
        return send("GET", url, null);
    }

    private CompletableFuture<String> send(String method, String url, byte @Nullable [] body) {
        CompletableFuture<String> result = new CompletableFuture<>();
        HttpClientRequest request = request(method, url, result);
        if (body == null) {
            end(request);
        } else {
            call(request, "end", Buffer.class, Buffer.buffer(body));
        }
        return result;
    }

    @Override
    public String get(String url) throws Exception {
        return await(getLater(url));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        return await(send("POST", url, body));
    }

    static String await(CompletableFuture<String> result) throws Exception {
        try {
            return result.get(40, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception ? (Exception) e.getCause() : e;
        }
    }

    static void close(Vertx vertx) throws Exception {
        CompletableFuture<String> closed = new CompletableFuture<>();
        vertx.close(done -> closed.complete(""));
        await(closed);
    }

    @Override
    public void close() throws Exception {
        HttpClient.class.getMethod("close").invoke(client);
        if (ownsVertx) {
            close(vertx);
        }
    }
}
