package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import java.lang.reflect.Method;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.core5.http.HttpHost;
import org.jspecify.annotations.Nullable;

/** What a route leads to. */
final class Routes {
    static final String CLIENT = "apache-httpclient-5-async";

    private static final @Nullable Method UNIX_DOMAIN_SOCKET = unixDomainSocket();

    private Routes() {}

    /** Added in 5.6. */
    private static @Nullable Method unixDomainSocket() {
        try {
            return HttpRoute.class.getMethod("getUnixDomainSocket");
        } catch (NoSuchMethodException olderVersion) {
            return null;
        }
    }

    /** What an exchange on this route asks for; null where the route opens no TCP connection. Never blocks. */
    static @Nullable Ask ask(HttpRoute route) {
        HttpHost target = route.getTargetHost();
        if (target == null || isLocal(route)) {
            return null;
        }
        Destination server = server(target);
        // Of a chain of proxies, the first is the one that we connect to.
        HttpHost proxy = route.getProxyHost();
        if (proxy == null) {
            return Ask.direct(CLIENT, server);
        }
        return route.isTunnelled()
                ? Ask.tunnelled(CLIENT, server, destination(proxy))
                : Ask.proxied(CLIENT, server, destination(proxy));
    }

    static Destination server(HttpHost target) {
        return Destination.server(target.getSchemeName(), target.getHostName(), target.getPort());
    }

    private static boolean isLocal(HttpRoute route) {
        try {
            return UNIX_DOMAIN_SOCKET != null && UNIX_DOMAIN_SOCKET.invoke(route) != null;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Destination destination(HttpHost proxy) {
        int port = proxy.getPort();
        return Destination.proxy(
                proxy.getHostName(), port <= 0 && "https".equalsIgnoreCase(proxy.getSchemeName()) ? 443 : port);
    }
}
