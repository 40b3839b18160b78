package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WatchedMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Pool;
import io.sluice.limiter.Wait;
import java.lang.ref.WeakReference;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.http.HttpHost;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.pool.ConnPoolControl;
import org.jspecify.annotations.Nullable;

/** What is known of one connection manager: who waits for it and who has leased from it. Thread-safe; never blocks. */
final class Home {
    private static final String CLIENT = "apache-httpclient-4";

    private static final WatchedMap<HttpClientConnectionManager, Home> HOMES = new Homes();

    final WeakReference<HttpClientConnectionManager> manager;
    /** Whether it has one connection, and refuses at once whoever comes while that is leased. */
    final boolean single;

    private final Pool pool;
    private final Set<Lease> waiting = ConcurrentHashMap.newKeySet();
    private final Set<Exchange> exchanges = ConcurrentHashMap.newKeySet();
    private volatile boolean shutDown;

    private Home(HttpClientConnectionManager manager) {
        this.manager = new WeakReference<>(manager);
        single = !(manager instanceof ConnPoolControl);
        pool = ConnectionGate.pool(manager, single ? 1 : 0);
    }

    /** The home that a manager is, from its first request on. */
    static Home of(HttpClientConnectionManager manager) {
        Home known = HOMES.get(manager);
        if (known != null) {
            return known;
        }
        return HOMES.putIfAbsent(manager, new Home(manager));
    }

    /** The home that a manager is, or null before its first request. */
    static @Nullable Home known(HttpClientConnectionManager manager) {
        return HOMES.get(manager);
    }

    /** What an exchange on this route asks for. The manager's own limits, read anew each time, hold in the queue too. */
    Ask ask(HttpClientConnectionManager asking, HttpRoute route) {
        HttpHost target = route.getTargetHost();
        Destination server = Destination.server(target.getSchemeName(), target.getHostName(), target.getPort());
        HttpHost via = route.getProxyHost(); // the first of a chain: the only one that we connect to
        Ask ask;
        if (via == null) {
            ask = Ask.direct(CLIENT, server);
        } else {
            Destination proxy = Destination.proxy(via.getHostName(), via.getPort());
            ask = route.isTunnelled() ? Ask.tunnelled(CLIENT, server, proxy) : Ask.proxied(CLIENT, server, proxy);
        }
        if (single) {
            return ask.from(pool, 1);
        }
        @SuppressWarnings("unchecked") // the pooling manager's type parameter; it has no other
        ConnPoolControl<HttpRoute> control = (ConnPoolControl<HttpRoute>) asking;
        pool.maxTotal(control.getMaxTotal());
        return ask.from(pool, control.getMaxPerRoute(route));
    }

    /** Somebody waits now. Whoever adds must look at {@link #isShutDown()} afterwards, or sleeps through it. */
    void add(Lease lease) {
        waiting.add(lease);
    }

    void remove(Lease lease) {
        waiting.remove(lease);
    }

    void add(Exchange exchange) {
        exchanges.add(exchange);
    }

    void remove(Exchange exchange) {
        exchanges.remove(exchange);
    }

    /** Whether its only connection is leased. */
    boolean isTaken() {
        return single && !shutDown && exchanges.iterator().hasNext();
    }

    boolean isShutDown() {
        return shutDown;
    }

    /**
     * All its connections are closed: who waits goes on, and sees the manager's own exception; responses that were never
     * closed give their leases back. An exchange that is about to connect keeps its lease until it fails by itself.
     */
    void shutDown() {
        shutDown = true;
        for (Lease lease : waiting) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
        for (Exchange exchange : exchanges) {
            exchange.closedByManager();
        }
    }

    /** Nobody can read the responses of a manager that is lost, and its finalizer closes the sockets. */
    static final class Homes extends WatchedMap<HttpClientConnectionManager, Home> {
        @Override
        protected void collected(Home lost) {
            lost.shutDown();
        }
    }
}
