package io.sluice.instrumentation.vertx;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Pool;
import java.lang.reflect.Array;
import org.jspecify.annotations.Nullable;

/**
 * What we know about one {@code SimpleConnectionPool} of an HTTP client: whom it connects to, who waits for a lease on its
 * behalf. Thread-safe; nothing blocks.
 *
 * <p>Holds nothing of the pool's but weakly.
 */
final class ClientPool extends Sharing {
    /** Who has a pool up to Vert.x 4. */
    private static final String ENDPOINT = "io.vertx.core.http.impl.SharedClientHttpStreamEndpoint";

    private static final WeakMap<Object, ClientPool> POOLS = new WeakMap<>();

    /** Stands for a pool of something else: a database client has the same pools. */
    private static final ClientPool NONE = new ClientPool(null, new int[0], -1, 0);

    private final @Nullable Ask ask;
    /** How many connections of each kind (HTTP/1.1, HTTP/2) the pool holds at most. */
    private final int[] maxSizes;
    /** How many may wait in the pool; -1 is no limit. */
    private final int maxWaiters;

    private final int slots;
    private final @Nullable Ask[] asks;

    private volatile boolean closed;

    private ClientPool(@Nullable Ask ask, int[] maxSizes, int maxWaiters, int slots) {
        this.ask = ask;
        this.maxSizes = maxSizes;
        this.maxWaiters = maxWaiters;
        this.slots = slots;
        this.asks = new Ask[maxSizes.length];
    }

    /** What is known about a pool; null if it is none of an HTTP client over TCP. */
    static @Nullable ClientPool of(Object clientPool) {
        ClientPool known = POOLS.get(clientPool);
        if (known == null) {
            ClientPool made;
            try {
                made = look(clientPool);
            } catch (Throwable unknown) {
                FailOpen.report(unknown);
                made = NONE;
            }
            known = POOLS.putIfAbsent(clientPool, made);
        }
        return known == NONE ? null : known;
    }

    private static ClientPool look(Object clientPool) throws ReflectiveOperationException {
        Object connector = Reflect.required(clientPool, "connector");
        Ask ask = askOf(connector);
        if (ask == null) {
            return NONE;
        }
        int[] factors = (int[]) Reflect.required(clientPool, "capacityFactors");
        int maxCapacity = (Integer) Reflect.required(clientPool, "maxCapacity");
        int[] maxSizes = new int[factors.length];
        Pool token = ConnectionGate.pool(clientPool, 0);
        for (int kind = 0; kind < factors.length; kind++) {
            maxSizes[kind] = maxCapacity / factors[kind];
        }
        ClientPool pool = new ClientPool(
                ask,
                maxSizes,
                (Integer) Reflect.required(clientPool, "maxWaiters"),
                Array.getLength(Reflect.required(clientPool, "slots")));
        for (int kind = 0; kind < maxSizes.length; kind++) {
            pool.asks[kind] = ask.from(token, maxSizes[kind]);
        }
        return pool;
    }

    /** What an HTTP client's connector asks for; null for that of another client, and for HTTP/3. */
    private static @Nullable Ask askOf(Object connector) throws ReflectiveOperationException {
        String name = connector.getClass().getName();
        if (name.equals("io.vertx.core.http.impl.SharedHttpClientConnectionGroup$Pool")) {
            String transport =
                    Reflect.required(connector, "connector").getClass().getName();
            Object owner = Reflect.required(connector, "owner");
            return transport.endsWith(".TcpHttpClientTransport")
                    ? Targets.ofParams(
                            Reflect.field(owner, "server"),
                            Reflect.field(owner, "authority"),
                            Reflect.required(connector, "connectParams"))
                    : null;
        }
        if (name.equals(ENDPOINT) || name.equals("io.vertx.core.http.impl.SharedHttpClientConnectionGroup")) {
            return Targets.ofConnector(Reflect.required(connector, "connector"));
        }
        return null;
    }

    /** What an exchange asks for that wants a connection of this kind. */
    Ask ask(int kind) {
        Ask known = kind < asks.length ? asks[kind] : ask;
        if (known == null) {
            throw new IllegalStateException("kind " + kind + " of " + maxSizes.length);
        }
        return known;
    }

    /**
     * Whether the pool would turn one more away that has to wait: those who wait for a lease count as its waiters, except
     * for as many as could be connecting without us.
     */
    boolean turnsAway(Object clientPool) throws Throwable {
        if (maxWaiters < 0) {
            return false;
        }
        int size = ((Number) count(clientPool, "size")).intValue();
        int waiters = ((Number) count(clientPool, "waiters")).intValue();
        return waitingCount() + waiters - Math.max(0, slots - size) >= maxWaiters;
    }

    private static Object count(Object clientPool, String what) throws Throwable {
        Object number = Reflect.call(clientPool, what);
        return number == null ? 0 : number;
    }

    int maxWaiters() {
        return maxWaiters;
    }

    boolean isClosed() {
        return closed;
    }

    /** Exit advice of {@code SimpleConnectionPool.close}: whoever waits goes on, to be told by the pool. */
    static void closing(Object clientPool) {
        ClientPool pool = POOLS.get(clientPool);
        if (pool != null && pool != NONE) {
            pool.closed = true;
            for (Waiting exchange : pool.waiting()) {
                ((Exchange) exchange).sendAway();
            }
        }
    }

    /** Exit advice of {@code Endpoint.close} up to Vert.x 4, where a closed client closes its connections, but no pool. */
    static void endpointClosed(Object endpoint) throws ReflectiveOperationException {
        if (endpoint.getClass().getName().equals(ENDPOINT)) {
            closing(Reflect.required(endpoint, "pool"));
        }
    }
}
