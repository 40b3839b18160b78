package io.sluice.instrumentation.reactornetty;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClientConfig;
import reactor.netty.transport.ProxyProvider;

/** Where an exchange goes. */
final class Routes {
    static final String CLIENT = "reactor-netty";

    private static final String HTTP_CONFIG = "reactor.netty.http.client.HttpClientConfig";

    private Routes() {}

    /** Whether this is the configuration of an HTTP client; does not load the client where there is none. */
    static boolean isHttp(@Nullable Object config) {
        return config != null && HTTP_CONFIG.equals(config.getClass().getName());
    }

    /**
     * What an exchange asks for; null where it opens no TCP connection. The scheme is that of the request: the client makes
     * a configuration with or without TLS for it.
     */
    @SuppressWarnings("deprecation") // 1.0 has no other way to the proxy's address
    static @Nullable Ask ask(HttpClientConfig config, @Nullable SocketAddress remote) {
        if (!(remote instanceof InetSocketAddress) || isHttp3(config)) {
            return null;
        }
        InetSocketAddress address = (InetSocketAddress) remote;
        Destination server =
                Destination.server(config.isSecure() ? "https" : "http", address.getHostString(), address.getPort());
        ProxyProvider provider = config.proxyProvider();
        if (provider == null || provider.getType() != ProxyProvider.Proxy.HTTP || !provider.shouldProxy(remote)) {
            return withTrace(Ask.direct(CLIENT, server), config);
        }
        InetSocketAddress proxy;
        try {
            proxy = provider.getAddress().get();
        } catch (ClassCastException noInternetAddress) {
            return null;
        }
        // Netty's HttpProxyHandler sends CONNECT for plain requests, too.
        return withTrace(
                Ask.tunnelled(CLIENT, server, Destination.proxy(proxy.getHostString(), proxy.getPort())), config);
    }

    /** HTTP/3 opens no TCP connection. */
    private static boolean isHttp3(HttpClientConfig config) {
        for (HttpProtocol protocol : config.protocols()) {
            if (protocol.name().equals("HTTP3")) {
                return true;
            }
        }
        return false;
    }

    /** Whether requests may be streams of a connection. */
    static boolean mayBeHttp2(HttpClientConfig config) {
        for (HttpProtocol protocol : config.protocols()) {
            if (protocol != HttpProtocol.HTTP11) {
                return true;
            }
        }
        return false;
    }

    private static Ask withTrace(Ask ask, HttpClientConfig config) {
        return ask.withTraceparent(config.headers().get("traceparent"));
    }
}
