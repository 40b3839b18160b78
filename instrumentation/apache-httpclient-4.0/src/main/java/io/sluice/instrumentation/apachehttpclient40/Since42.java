package io.sluice.instrumentation.apachehttpclient40;

import java.util.concurrent.TimeUnit;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.OperatedClientConnection;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.pool.ConnPoolControl;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** What httpclient and httpcore have since 4.2: the managers that came then, and their entries. Stateless. */
public final class Since42 {
    private Since42() {}

    /** Whether a manager of 4.2 has a pool, rather than one connection. */
    static boolean isPool(ClientConnectionManager manager) {
        return manager instanceof ConnPoolControl;
    }

    static int maxTotal(ClientConnectionManager pool) {
        return ((ConnPoolControl<?>) pool).getMaxTotal();
    }

    @SuppressWarnings("unchecked") // the pooling manager's type parameter; it has no other
    static int maxPerRoute(ClientConnectionManager pool, HttpRoute route) {
        return ((ConnPoolControl<HttpRoute>) pool).getMaxPerRoute(route);
    }

    /** The connection of an entry, or null. */
    public static @Nullable OperatedClientConnection connection(PoolEntry<?, ?> entry) {
        Object found = entry.getConnection();
        return found instanceof OperatedClientConnection ? (OperatedClientConnection) found : null;
    }

    /**
     * The entry expires now, and the manager closes what is expired: the pool only what is available, the basic manager
     * also what is leased.
     */
    static void close(ClientConnectionManager manager, Object entry) {
        ((PoolEntry<?, ?>) entry)
                .updateExpiry(1, TimeUnit.NANOSECONDS); // 0 would mean never; less than a millisecond, now
        try {
            manager.closeExpiredConnections();
        } catch (IllegalStateException shutDown) {
            // Then the connection is closed, too.
        }
    }
}
