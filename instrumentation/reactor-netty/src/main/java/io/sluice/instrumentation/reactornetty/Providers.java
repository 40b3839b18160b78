package io.sluice.instrumentation.reactornetty;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.netty.resources.PooledConnectionProvider;

/**
 * The limits of the client's own pools, and who waits before them. A provider has one pool per address and configuration.
 * Thread-safe; no method blocks.
 */
final class Providers {
    private static final WeakMap<Object, Providers> ALL = new WeakMap<>();

    private static final @Nullable Method FACTORY = factory();
    private static final @Nullable Field MAX_CONNECTIONS = setting("maxConnections");
    private static final @Nullable Field PENDING_ACQUIRE_TIMEOUT = setting("pendingAcquireTimeout");

    /** The tokens of its pools, by the hash of the configuration. */
    private final ConcurrentHashMap<Integer, Object> pools = new ConcurrentHashMap<>();

    /** The connections for many streams, by address and the hash of the configuration. */
    private final ConcurrentHashMap<Object, Http2Streams> streams = new ConcurrentHashMap<>();

    /** They reach the provider, but each is removed when its wait is over. */
    private final Set<Exchange> waiting = ConcurrentHashMap.newKeySet();

    private Providers() {}

    private static @Nullable Method factory() {
        try {
            Method method = PooledConnectionProvider.class.getDeclaredMethod("poolFactory", SocketAddress.class);
            method.setAccessible(true);
            return method;
        } catch (ReflectiveOperationException | RuntimeException e) {
            FailOpen.report(e);
            return null;
        }
    }

    private static @Nullable Field setting(String name) {
        try {
            Field field = Class.forName(
                            "reactor.netty.resources.PooledConnectionProvider$PoolFactory",
                            false,
                            PooledConnectionProvider.class.getClassLoader())
                    .getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (ReflectiveOperationException | RuntimeException e) {
            FailOpen.report(e);
            return null;
        }
    }

    static Providers of(Object provider) {
        Providers known = ALL.get(provider);
        return known == null ? ALL.putIfAbsent(provider, new Providers()) : known;
    }

    /** The same ask within the limit of the pool that will serve it. */
    static Ask mirrored(Ask ask, @Nullable Object provider, SocketAddress remote, int configuration) {
        long max = number(MAX_CONNECTIONS, provider, remote);
        if (provider == null || max <= 0 || max == Integer.MAX_VALUE) {
            return ask;
        }
        Object pool = of(provider).pools.computeIfAbsent(configuration, hash -> new Object());
        return ask.from(ConnectionGate.pool(pool, 0), (int) max);
    }

    /** How long the pool lets wait for a connection, in milliseconds; zero or less means no limit. */
    static long pendingAcquireTimeoutMillis(@Nullable Object provider, SocketAddress remote) {
        return number(PENDING_ACQUIRE_TIMEOUT, provider, remote);
    }

    private static long number(@Nullable Field field, @Nullable Object provider, SocketAddress remote) {
        Method factory = FACTORY;
        if (field == null || factory == null || !(provider instanceof PooledConnectionProvider)) {
            return 0;
        }
        try {
            return ((Number) field.get(factory.invoke(provider, remote))).longValue();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    Http2Streams streams(SocketAddress remote, int configuration) {
        return streams.computeIfAbsent(Arrays.asList(remote, configuration), key -> new Http2Streams());
    }

    void waits(Exchange exchange) {
        waiting.add(exchange);
    }

    void noLongerWaits(Exchange exchange) {
        waiting.remove(exchange);
    }

    /** The provider closes its pools. */
    void dispose() {
        for (Exchange exchange : waiting) {
            exchange.providerDisposed();
        }
    }
}
