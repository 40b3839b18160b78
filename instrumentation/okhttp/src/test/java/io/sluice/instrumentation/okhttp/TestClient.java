package io.sluice.instrumentation.okhttp;

import io.sluice.instrumentation.testing.ContractClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Proxy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/** A client with one pool. Uses nothing that 3.0 does not have. */
final class TestClient implements ContractClient {
    final OkHttpClient http;
    private final boolean enqueue;

    TestClient(OkHttpClient http, boolean enqueue) {
        this.http = http;
        this.enqueue = enqueue;
    }

    static TestClient executing(Setup setup) {
        return new TestClient(builder(setup).build(), false);
    }

    static TestClient enqueueing(Setup setup) {
        OkHttpClient http = builder(setup).build();
        http.dispatcher().setMaxRequestsPerHost(60);
        return new TestClient(http, true);
    }

    static OkHttpClient.Builder builder(Setup setup) {
        OkHttpClient.Builder builder = new OkHttpClient.Builder()
                .connectionPool(new ConnectionPool(50, 5, TimeUnit.MINUTES))
                .readTimeout(30, TimeUnit.SECONDS);
        SSLContext tls = setup.tls();
        if (tls != null) {
            Tls.trust(builder, tls);
        }
        if (setup.proxy() != null) {
            builder.proxy(new Proxy(Proxy.Type.HTTP, setup.proxy()));
        }
        return builder;
    }

    static Request request(String url) {
        return new Request.Builder().url(url).build();
    }

    @Override
    public String get(String url) throws Exception {
        return send(request(url));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        return send(new Request.Builder()
                .url(url)
                .post(RequestBody.create(null, body))
                .build());
    }

    String send(Request request) throws Exception {
        Call call = http.newCall(request);
        return read(enqueue ? enqueued(call) : call.execute());
    }

    static String read(Response response) throws IOException {
        String body = response.body().string();
        return response.code() + " " + body;
    }

    static String readUnchecked(Response response) {
        try {
            return read(response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Response enqueued(Call call) throws Exception {
        CompletableFuture<Response> answer = enqueue(call);
        try {
            return answer.get();
        } catch (InterruptedException e) {
            call.cancel();
            throw e;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException ? (IOException) e.getCause() : e;
        }
    }

    static CompletableFuture<Response> enqueue(Call call) {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        call.enqueue(new Callback() {
            @Override
            public void onFailure(Call failed, IOException e) {
                answer.completeExceptionally(e);
            }

            @Override
            public void onResponse(Call answered, Response response) {
                answer.complete(response);
            }
        });
        return answer;
    }

    @Override
    public void close() {
        http.dispatcher().executorService().shutdown();
        http.connectionPool().evictAll();
    }
}
