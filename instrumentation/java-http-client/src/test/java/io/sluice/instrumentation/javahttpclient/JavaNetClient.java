package io.sluice.instrumentation.javahttpclient;

import io.sluice.instrumentation.testing.ContractClient;
import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A {@link HttpClient} as the contract wants it: by {@code send}, or by {@code sendAsync} and waiting for the future. */
final class JavaNetClient implements ContractClient {
    private final HttpClient client;
    private final boolean async;

    JavaNetClient(Setup setup, boolean async, HttpClient.Version version, @Nullable Executor executor) {
        HttpClient.Builder builder =
                HttpClient.newBuilder().version(version).followRedirects(HttpClient.Redirect.ALWAYS);
        if (setup.proxy() != null) {
            builder.proxy(ProxySelector.of(setup.proxy()));
        }
        if (setup.tls() != null) {
            builder.sslContext(setup.tls());
        }
        if (executor != null) {
            builder.executor(executor);
        }
        this.client = builder.build();
        this.async = async;
    }

    HttpClient client() {
        return client;
    }

    @Override
    public String get(String url) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(url)).build());
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(url))
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build());
    }

    private String send(HttpRequest request) throws Exception {
        HttpResponse<String> response = async ? sendAsync(request) : client.send(request, BodyHandlers.ofString());
        return response.statusCode() + " " + response.body();
    }

    private HttpResponse<String> sendAsync(HttpRequest request) throws Exception {
        java.util.concurrent.CompletableFuture<HttpResponse<String>> future =
                client.sendAsync(request, BodyHandlers.ofString());
        try {
            return future.get();
        } catch (InterruptedException e) {
            future.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException ? (IOException) e.getCause() : e;
        }
    }

    @Override
    public void close() {}
}
