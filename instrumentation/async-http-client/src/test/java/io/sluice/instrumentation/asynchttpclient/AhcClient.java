package io.sluice.instrumentation.asynchttpclient;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.JdkSslContext;
import io.sluice.instrumentation.testing.ContractClient;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Response;
import org.asynchttpclient.proxy.ProxyServer;

/** A client with a pool of its own. Uses nothing that versions 2 and 3 do not have in common. */
final class AhcClient implements ContractClient {
    final AsyncHttpClient http;

    AhcClient(AsyncHttpClient http) {
        this.http = http;
    }

    static AhcClient with(Setup setup) {
        return new AhcClient(Dsl.asyncHttpClient(config(setup)));
    }

    @SuppressWarnings("deprecation") // the constructor of JdkSslContext that all versions of Netty have
    static DefaultAsyncHttpClientConfig.Builder config(Setup setup) {
        DefaultAsyncHttpClientConfig.Builder config =
                Dsl.config().setMaxRequestRetry(0).setFollowRedirect(true);
        try {
            config.setIoThreadsCount(2);
        } catch (NoSuchMethodError first) {
            // The first releases decide that themselves.
        }
        if (setup.proxy() != null) {
            config.setProxyServer(new ProxyServer.Builder(
                    setup.proxy().getHostString(), setup.proxy().getPort()));
        }
        if (setup.tls() != null) {
            config.setSslContext(new JdkSslContext(setup.tls(), true, ClientAuth.NONE));
        }
        return config;
    }

    @Override
    public String get(String url) throws Exception {
        return text(send(url));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        return text(http.preparePost(url).setBody(body).execute());
    }

    ListenableFuture<Response> send(String url) {
        return http.prepareGet(url).execute();
    }

    /** What comes of it: status and body, or the cause of the failure. */
    static String text(ListenableFuture<Response> future) throws Exception {
        try {
            Response response = future.get(30, TimeUnit.SECONDS);
            return response.getStatusCode() + " " + response.getResponseBody();
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
