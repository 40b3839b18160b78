package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.HttpProxy;
import org.eclipse.jetty.client.Origin;
import org.eclipse.jetty.client.ProxyConfiguration;
import org.jspecify.annotations.Nullable;

/** What is asked for a destination of the client. Stateless. */
final class Asks {
    private static final String CLIENT = "jetty-client";

    private Asks() {}

    /** Asks for an exchange, or for a connection that its pool wants ahead of need; null: go on without a lease. */
    static @Nullable Lease ask(Object destination, Object poolToken) {
        Ask ask = of(destination);
        HttpClient client = JettyTypes.client(destination);
        if (ask == null || client == null) {
            return null;
        }
        return ConnectionGate.ask(
                ask.from(ConnectionGate.pool(poolToken, 0), client.getMaxConnectionsPerDestination()));
    }

    /** Asks for a connection that belongs to no pool. */
    static @Nullable Lease askForExplicit(Object destination) {
        Ask ask = of(destination);
        return ask == null ? null : ConnectionGate.ask(ask);
    }

    private static @Nullable Ask of(Object destination) {
        Origin origin = JettyTypes.origin(destination);
        if (origin == null || origin.getAddress() == null) {
            return null;
        }
        Destination server = server(origin);
        ProxyConfiguration.Proxy proxy = JettyTypes.proxy(destination);
        if (!(proxy instanceof HttpProxy)) {
            return Ask.direct(CLIENT, server); // SOCKS, too
        }
        Origin.Address address = proxy.getAddress();
        Destination next = Destination.proxy(address.getHost(), address.getPort());
        return JettyTypes.isTunnelled((HttpProxy) proxy, origin)
                ? Ask.tunnelled(CLIENT, server, next)
                : Ask.proxied(CLIENT, server, next);
    }

    private static Destination server(Origin origin) {
        return Destination.server(
                origin.getScheme(),
                origin.getAddress().getHost(),
                origin.getAddress().getPort());
    }

    /** Whether connections are limited at all now. */
    static boolean isActive() {
        LimiterTable table = ConnectionGate.table();
        return table != null && table.limits().mode() != Limits.Mode.OFF;
    }

    /** Whether one more connection could be opened without an idle one being closed for it. */
    static boolean hasRoom(Object destination) {
        LimiterTable table = ConnectionGate.table();
        Origin origin = JettyTypes.origin(destination);
        if (table == null || origin == null || table.limits().mode() != Limits.Mode.ENFORCE) {
            return true;
        }
        Snapshot now = table.snapshot(server(origin));
        return now.open() < now.limit();
    }
}
