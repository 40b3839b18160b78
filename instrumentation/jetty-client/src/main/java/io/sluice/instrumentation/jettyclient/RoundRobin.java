package io.sluice.instrumentation.jettyclient;

import java.lang.reflect.Field;
import java.util.List;
import org.eclipse.jetty.client.AbstractConnectionPool;
import org.eclipse.jetty.client.RoundRobinConnectionPool;
import org.jspecify.annotations.Nullable;

/**
 * The round robin pool up to 9.4.28. It has a place for each connection that it may have, and fills them all before it comes
 * back to the first: an empty place whose turn it is means "open another". Where no more may be open, the next connection
 * has its turn instead; else the pool would have one closed after the other and find none of those that it opens, as these
 * fill the places of the closed ones. By reflection, as the places are private; later pools are otherwise. Stateless.
 */
final class RoundRobin {
    private static final @Nullable Field INDEX = field(RoundRobinConnectionPool.class, "index");
    private static final @Nullable Field PLACES = field(RoundRobinConnectionPool.class, "entries");
    private static final @Nullable Field DESTINATION = field(AbstractConnectionPool.class, "destination");

    private RoundRobin() {}

    /** The pool is about to take the connection whose turn it is. Never blocks. */
    static void takeTurn(Object pool) throws ReflectiveOperationException {
        if (INDEX == null || PLACES == null || DESTINATION == null || Asks.hasRoom(DESTINATION.get(pool))) {
            return;
        }
        synchronized (pool) {
            List<?> places = (List<?>) PLACES.get(pool);
            int turn = INDEX.getInt(pool);
            for (int i = 0; i < places.size(); i++) {
                int place = (turn + i) % places.size();
                Object entry = places.get(place);
                Field connection = field(entry.getClass(), "connection");
                if (connection == null) {
                    return;
                }
                if (connection.get(entry) != null) {
                    INDEX.setInt(pool, place);
                    return;
                }
            }
        }
    }

    private static @Nullable Field field(Class<?> type, String name) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException otherwise) {
            return null;
        }
    }
}
