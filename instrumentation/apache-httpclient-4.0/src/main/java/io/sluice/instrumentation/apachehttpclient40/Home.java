package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WatchedMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Pool;
import io.sluice.limiter.Wait;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.http.HttpHost;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.impl.conn.SingleClientConnManager;
import org.apache.http.impl.conn.tsccm.ThreadSafeClientConnManager;
import org.jspecify.annotations.Nullable;

/** What is known of one connection manager: who waits for it and who has leased from it. Thread-safe; never blocks. */
final class Home {
    private static final String CLIENT = "apache-httpclient-4.0";

    private static final Homes HOMES = new Homes();

    /** Whether it has one connection, and refuses at once whoever comes while that is leased. */
    final boolean single;
    /** Whether it came with 4.2: then a wait that a shutdown ends is seen as an interrupted one. */
    final boolean since42;

    private final Pool pool;
    private final Set<Lease> waiting = ConcurrentHashMap.newKeySet();
    private final Set<Exchange> exchanges = ConcurrentHashMap.newKeySet();
    private volatile boolean shutDown;

    private Home(ClientConnectionManager manager) {
        since42 = !(manager instanceof SingleClientConnManager || manager instanceof ThreadSafeClientConnManager);
        single = since42 ? !Since42.isPool(manager) : manager instanceof SingleClientConnManager;
        pool = ConnectionGate.pool(manager, single ? 1 : 0);
    }

    /** The home that a manager is, from its first request on. */
    static Home of(ClientConnectionManager manager) {
        Home known = HOMES.get(manager);
        return known != null ? known : HOMES.putIfAbsent(manager, new Home(manager));
    }

    /** The home that a manager is, or null before its first request. */
    static @Nullable Home known(ClientConnectionManager manager) {
        return HOMES.get(manager);
    }

    /** What an exchange on this route asks for. The manager's own limits, read anew each time, hold in the queue too. */
    Ask ask(ClientConnectionManager asking, HttpRoute route) {
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
        if (since42) {
            pool.maxTotal(Since42.maxTotal(asking));
            return ask.from(pool, Since42.maxPerRoute(asking, route));
        }
        PoolLimits limits = PoolLimits.of((ThreadSafeClientConnManager) asking, route);
        if (limits == null) {
            return ask;
        }
        pool.maxTotal(limits.total);
        return ask.from(pool, limits.perRoute);
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

    /** Whether its only connection is leased, and nobody is about to give it back. */
    boolean isTaken() {
        if (single && !shutDown) {
            for (Exchange exchange : exchanges) {
                if (!exchange.isEnding()) {
                    return true;
                }
            }
        }
        return false;
    }

    boolean isShutDown() {
        return shutDown;
    }

    /**
     * All its connections are closed: who waits goes on; responses that were never closed give their leases back. An
     * exchange that is about to connect keeps its lease until it ends by itself.
     */
    void shutDown() {
        shutDown = true;
        for (Lease lease : waiting) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
        for (Exchange exchange : exchanges) {
            exchange.closedFromOutside();
        }
    }

    /** Nobody can read the responses of a manager that is lost, and its finalizer closes the sockets. */
    static final class Homes extends WatchedMap<ClientConnectionManager, Home> {
        @Override
        protected void collected(Home lost) {
            lost.shutDown();
        }
    }
}
