package io.sluice.instrumentation.apachehttpclient40;

import java.lang.reflect.Field;
import org.apache.http.conn.params.ConnManagerParams;
import org.apache.http.conn.params.ConnPerRoute;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.impl.conn.tsccm.ConnPoolByRoute;
import org.apache.http.impl.conn.tsccm.ThreadSafeClientConnManager;
import org.apache.http.params.HttpParams;
import org.jspecify.annotations.Nullable;

/**
 * The limits of a {@code ThreadSafeClientConnManager}, as its pool itself looks them up. In 4.0 they have no getters; later
 * those of the manager tell something else where it was made in the way of 4.0.
 */
final class PoolLimits {
    private static final @Nullable Field POOL = field(ThreadSafeClientConnManager.class, "connectionPool");
    /** 4.0; null since 4.1. */
    private static final @Nullable Field PARAMS = field(ConnPoolByRoute.class, "params");

    private static final @Nullable Field PER_ROUTE = field(ConnPoolByRoute.class, "connPerRoute");
    private static final @Nullable Field TOTAL = field(ConnPoolByRoute.class, "maxTotalConnections");

    final int perRoute;
    final int total;

    private PoolLimits(int perRoute, int total) {
        this.perRoute = perRoute;
        this.total = total;
    }

    /** What the pool would go by now; null for a pool of the program's own, even if it only extends the client's. */
    static @Nullable PoolLimits of(ThreadSafeClientConnManager manager, HttpRoute route) {
        try {
            Object pool = POOL == null ? null : POOL.get(manager);
            if (pool == null || pool.getClass() != ConnPoolByRoute.class) {
                return null;
            }
            if (PARAMS != null) {
                HttpParams params = (HttpParams) PARAMS.get(pool);
                return new PoolLimits(
                        ConnManagerParams.getMaxConnectionsPerRoute(params).getMaxForRoute(route),
                        ConnManagerParams.getMaxTotalConnections(params));
            }
            if (PER_ROUTE == null || TOTAL == null) {
                return null;
            }
            return new PoolLimits(((ConnPerRoute) PER_ROUTE.get(pool)).getMaxForRoute(route), TOTAL.getInt(pool));
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static @Nullable Field field(Class<?> type, String name) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException notInThisVersion) {
            return null;
        }
    }
}
