package io.sluice.instrumentation.reactornetty;

import io.netty.buffer.Unpooled;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.netty.handler.ssl.JdkSslContext;
import io.sluice.instrumentation.testing.ContractClient;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import javax.net.ssl.SSLContext;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufMono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.transport.ProxyProvider;

/** A client with a provider of its own; waits for the response on the calling thread. */
final class ReactorClient implements ContractClient {
    private final ConnectionProvider provider;
    private final HttpClient client;

    ReactorClient(Setup setup, ConnectionProvider provider) {
        this.provider = provider;
        this.client = make(setup, provider);
    }

    static HttpClient make(Setup setup, ConnectionProvider provider) {
        HttpClient made = HttpClient.create(provider).followRedirect(true);
        InetSocketAddress proxy = setup.proxy();
        if (proxy != null) {
            made = made.proxy(spec -> spec.type(ProxyProvider.Proxy.HTTP).address(proxy));
        }
        SSLContext tls = setup.tls();
        return tls == null ? made : trusting(made, tls);
    }

    /** HTTP/1.1 over this TLS context. */
    static HttpClient trusting(HttpClient client, SSLContext tls) {
        return secured(client, tls, ApplicationProtocolConfig.DISABLED);
    }

    /** Offers HTTP/2 and HTTP/1.1 over this TLS context. */
    static HttpClient offeringHttp2(HttpClient client, SSLContext tls) {
        return secured(
                client,
                tls,
                new ApplicationProtocolConfig(
                        ApplicationProtocolConfig.Protocol.ALPN,
                        ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                        ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                        "h2",
                        "http/1.1"));
    }

    @SuppressWarnings("deprecation") // the only way from a context of the JDK's
    private static HttpClient secured(HttpClient client, SSLContext tls, ApplicationProtocolConfig protocols) {
        JdkSslContext context = new JdkSslContext(
                tls, true, null, IdentityCipherSuiteFilter.INSTANCE, protocols, ClientAuth.NONE, null, false);
        return client.secure(spec -> spec.sslContext(context));
    }

    @Override
    public String get(String url) throws Exception {
        return result(client.get().uri(url).responseSingle(ReactorClient::text));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        return result(client.headers(headers -> headers.set("Content-Length", body.length))
                .post()
                .uri(url)
                .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                .responseSingle(ReactorClient::text));
    }

    static Mono<String> text(HttpClientResponse response, ByteBufMono content) {
        return content.asString()
                .defaultIfEmpty("")
                .map(text -> response.status().code() + " " + text);
    }

    /** Waits; an interrupt cancels the call, as {@code block} does. */
    private static String result(Mono<String> call) throws Exception {
        Future<String> future = call.toFuture();
        try {
            return future.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw cause instanceof Exception ? (Exception) cause : e;
        } catch (InterruptedException e) {
            future.cancel(true);
            throw e;
        }
    }

    @Override
    public void close() {
        provider.disposeLater().block(Duration.ofSeconds(10));
    }
}
