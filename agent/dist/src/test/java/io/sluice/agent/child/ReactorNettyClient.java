package io.sluice.agent.child;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.transport.ProxyProvider;

/** Reactor Netty, as below Spring's WebClient. */
public final class ReactorNettyClient implements AsyncClient {
    private final HttpClient client;

    public ReactorNettyClient(ClientSpec spec) {
        HttpClient made = HttpClient.create(ConnectionProvider.builder("test")
                        .maxConnections(spec.maxPerServer())
                        .pendingAcquireMaxCount(-1)
                        .build())
                .secure();
        if (spec.readTimeoutMillis() > 0) {
            made = made.responseTimeout(Duration.ofMillis(spec.readTimeoutMillis()));
        }
        if (spec.prefersHttp2()) {
            made = made.protocol(HttpProtocol.H2, HttpProtocol.HTTP11);
        }
        if (spec.hasProxy()) {
            made = made.proxy(proxy ->
                    proxy.type(ProxyProvider.Proxy.HTTP).host(spec.proxyHost()).port(spec.proxyPort()));
        }
        client = made;
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        return client.get()
                .uri(url)
                .responseSingle((response, body) -> body.asString()
                        .defaultIfEmpty("")
                        .map(text -> new Answer(response.status().code(), text)))
                .toFuture();
    }
}
