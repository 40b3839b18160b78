package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import org.apache.http.HttpHost;
import org.apache.http.conn.routing.HttpRoute;
import org.jspecify.annotations.Nullable;

/** What the route of a pool's entry leads to. Stateless. */
final class Routes {
    static final String CLIENT = "apache-httpasyncclient-4";

    private static final boolean HAS_CLIENT = hasClient();

    private Routes() {}

    /** What an exchange on this route asks for; null where we do not know such routes. Never blocks. */
    static @Nullable Ask ask(@Nullable Object route) {
        if (route instanceof HttpHost) {
            HttpHost host = (HttpHost) route; // HttpCore by itself knows neither proxies nor tunnels
            return host.getHostName() == null ? null : Ask.direct(CLIENT, server(host));
        }
        return HAS_CLIENT && OfClient.isRoute(route) ? OfClient.ask(route) : null;
    }

    /**
     * An equal route that is an object of its own. The pool hands it on to the reactor, which shows there on behalf of which
     * request a connection is opened.
     */
    static Object copy(Object route) {
        try {
            return clone(route);
        } catch (CloneNotSupportedException cannotBe) {
            throw new IllegalStateException(cannotBe);
        }
    }

    private static Object clone(Object route) throws CloneNotSupportedException {
        return route instanceof HttpHost ? ((HttpHost) route).clone() : OfClient.copy(route);
    }

    /** HttpCore may be there without HttpClient. */
    private static boolean hasClient() {
        try {
            OfClient.isRoute(CLIENT);
            return true;
        } catch (LinkageError withoutClient) {
            return false;
        }
    }

    private static Destination server(HttpHost host) {
        return Destination.server(host.getSchemeName(), host.getHostName(), host.getPort());
    }

    /** What needs HttpClient. */
    private static final class OfClient {
        private OfClient() {}

        static boolean isRoute(@Nullable Object route) {
            return route instanceof HttpRoute;
        }

        static @Nullable Ask ask(@Nullable Object routeObject) {
            HttpRoute route = (HttpRoute) routeObject;
            HttpHost target = route == null ? null : route.getTargetHost();
            if (route == null || target == null || target.getHostName() == null) {
                return null;
            }
            // Of a chain of proxies, the first is the one that we connect to.
            HttpHost proxy = route.getProxyHost();
            if (proxy == null) {
                return Ask.direct(CLIENT, server(target));
            }
            return route.isTunnelled()
                    ? Ask.tunnelled(CLIENT, server(target), proxy(proxy))
                    : Ask.proxied(CLIENT, server(target), proxy(proxy));
        }

        static Object copy(Object route) throws CloneNotSupportedException {
            return ((HttpRoute) route).clone();
        }

        private static Destination proxy(HttpHost proxy) {
            int port = proxy.getPort();
            return Destination.proxy(
                    proxy.getHostName(), port <= 0 && "https".equalsIgnoreCase(proxy.getSchemeName()) ? 443 : port);
        }
    }
}
