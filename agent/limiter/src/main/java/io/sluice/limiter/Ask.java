package io.sluice.limiter;

import org.jspecify.annotations.Nullable;

/**
 * What an exchange asks a lease for: its server, the proxy on the way, and who asks. Immutable, so that a client may keep
 * and reuse one per route.
 */
public final class Ask {
    final String client;
    final Destination server;
    final @Nullable Destination proxy;
    final boolean tunnelled;
    final @Nullable Pool pool;
    final int poolLimit;
    final @Nullable String traceparent;

    private Ask(
            String client,
            Destination server,
            @Nullable Destination proxy,
            boolean tunnelled,
            @Nullable Pool pool,
            int poolLimit,
            @Nullable String traceparent) {
        this.client = client;
        this.server = server;
        this.proxy = proxy;
        this.tunnelled = tunnelled;
        this.pool = pool;
        this.poolLimit = poolLimit;
        this.traceparent = traceparent;
    }

    /** An exchange that connects to the server itself. {@code client} is the library's name, as spans show it. */
    public static Ask direct(String client, Destination server) {
        return new Ask(client, server, null, false, null, Limits.UNLIMITED, null);
    }

    /** An exchange whose request line goes to the proxy, in absolute form (RFC 9112 section 3.2.2). */
    public static Ask proxied(String client, Destination server, Destination proxy) {
        return new Ask(client, server, proxy, false, null, Limits.UNLIMITED, null);
    }

    /** An exchange through a CONNECT tunnel (RFC 9110 section 9.3.6). */
    public static Ask tunnelled(String client, Destination server, Destination proxy) {
        return new Ask(client, server, proxy, true, null, Limits.UNLIMITED, null);
    }

    /**
     * The same ask, on behalf of a client's pool that holds at most {@code poolLimit} connections to this server. While
     * that many leases are out on behalf of the pool, the ask is passed over in the queue: its thread could not use a
     * lease.
     */
    public Ask from(Pool newPool, int newPoolLimit) {
        return new Ask(client, server, proxy, tunnelled, newPool, Math.max(1, newPoolLimit), traceparent);
    }

    /** The same ask with the request's {@code traceparent} header (W3C Trace Context), for the wait's span. */
    public Ask withTraceparent(@Nullable String newTraceparent) {
        return new Ask(client, server, proxy, tunnelled, pool, poolLimit, newTraceparent);
    }

    /** The server of the request. */
    public Destination server() {
        return server;
    }

    /** The proxy on the way, or null. */
    public @Nullable Destination proxy() {
        return proxy;
    }

    /** Whether the exchange goes through a CONNECT tunnel. */
    public boolean isTunnelled() {
        return tunnelled;
    }

    /** Whether the request line goes to the proxy, so that the connection belongs to the proxy alone once it is idle. */
    boolean isPlainlyProxied() {
        return proxy != null && !tunnelled;
    }
}
