package io.sluice.instrumentation.okhttp;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.util.List;
import okhttp3.Address;
import okhttp3.HttpUrl;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/** What a call asks for: its server, and the HTTP proxy on the way. Stateless. */
final class Routes {
    private static final String CLIENT = "okhttp";

    private Routes() {}

    /** Before OkHttp has chosen a route: by the first proxy that it would try. May call the program's proxy selector. */
    static Ask ask(Address address) {
        return ask(address, firstProxy(address));
    }

    /** On the route that OkHttp is about to connect. */
    static Ask ask(Route route) {
        return ask(route.address(), route.proxy());
    }

    private static Ask ask(Address address, @Nullable Proxy proxy) {
        HttpUrl url = address.url();
        Destination server = Destination.server(url.scheme(), url.host(), url.port());
        Destination via = destination(proxy);
        if (via == null) {
            return Ask.direct(CLIENT, server);
        }
        return address.sslSocketFactory() == null
                ? Ask.proxied(CLIENT, server, via)
                : Ask.tunnelled(CLIENT, server, via);
    }

    /** Whether what was asked for is what the route leads to. */
    static boolean leads(Ask ask, Route route) {
        Destination via = destination(route.proxy());
        return via == null ? ask.proxy() == null : via.equals(ask.proxy());
    }

    /** Null for a direct connection, and for SOCKS, which is none of HTTP's. */
    private static @Nullable Destination destination(@Nullable Proxy proxy) {
        if (proxy == null || proxy.type() != Proxy.Type.HTTP || !(proxy.address() instanceof InetSocketAddress)) {
            return null;
        }
        InetSocketAddress address = (InetSocketAddress) proxy.address();
        return Destination.proxy(address.getHostString(), address.getPort());
    }

    private static @Nullable Proxy firstProxy(Address address) {
        if (address.proxy() != null) {
            return address.proxy();
        }
        try {
            ProxySelector selector = address.proxySelector();
            List<Proxy> proxies =
                    selector == null ? null : selector.select(address.url().uri());
            return proxies == null || proxies.isEmpty() ? null : proxies.get(0);
        } catch (RuntimeException ofTheSelector) {
            return null; // the client asks it, too, and the program sees it then
        }
    }
}
