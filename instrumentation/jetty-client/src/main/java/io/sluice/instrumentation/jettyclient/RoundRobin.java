package io.sluice.instrumentation.jettyclient;

import java.lang.reflect.Field;
import java.util.List;
import org.eclipse.jetty.client.AbstractConnectionPool;
import org.jspecify.annotations.Nullable;

/**
 * The round robin pool up to 9.4.28. It has a place for each connection that it may have, and fills them all before it comes
 * back to the first: an empty place whose turn it is means "open another". Where no more may be open, the next connection
 * has its turn instead; else the pool would have one closed after the other and find none of those that it opens, as these
 * fill the places of the closed ones. By reflection, as the places are private; later pools are otherwise. Stateless.
 */
final class RoundRobin {
    private RoundRobin() {}

    /** The pool is about to take the connection whose turn it is. Never blocks. */
    static void takeTurn(Object pool) throws ReflectiveOperationException {
        Field index = field(pool.getClass(), "index");
        Field entries = field(pool.getClass(), "entries");
        Field destination = field(AbstractConnectionPool.class, "destination");
        if (index == null || entries == null || destination == null || Asks.hasRoom(destination.get(pool))) {
            return;
        }
        synchronized (pool) {
            List<?> places = (List<?>) entries.get(pool);
            int turn = index.getInt(pool);
            for (int i = 0; i < places.size(); i++) {
                int place = (turn + i) % places.size();
                Object entry = places.get(place);
                Field connection = field(entry.getClass(), "connection");
                if (connection == null) {
                    return;
                }
                if (connection.get(entry) != null) {
                    index.setInt(pool, place);
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
