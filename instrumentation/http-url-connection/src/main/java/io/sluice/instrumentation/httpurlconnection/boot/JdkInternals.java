package io.sluice.instrumentation.httpurlconnection.boot;

import java.lang.reflect.Field;
import java.net.Socket;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;
import sun.net.NetworkClient;
import sun.net.www.http.HttpClient;
import sun.net.www.http.KeepAliveCache;

/** The few members of {@code sun.net.www.http} that are not public. */
final class JdkInternals {
    private static final Field CACHE = field(HttpClient.class, "kac");
    private static final Field IN_CACHE = field(HttpClient.class, "inCache");
    private static final Field SOCKET = field(NetworkClient.class, "serverSocket");
    /** From 17 on; before, the cache's monitor is its lock. */
    private static final @Nullable Field CACHE_LOCK = optionalField(KeepAliveCache.class, "cacheLock");

    private static volatile @Nullable Field entryClient;

    private JdkInternals() {}

    private static Field field(Class<?> type, String name) {
        Field field = optionalField(type, name);
        if (field == null) {
            throw new IllegalStateException(type.getName() + " has no field " + name);
        }
        return field;
    }

    private static @Nullable Field optionalField(Class<?> type, String name) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException e) {
            return null;
        }
    }

    static @Nullable Socket socket(HttpClient client) {
        try {
            return (Socket) SOCKET.get(client);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes this very client out of the keep-alive cache, under the cache's lock; false if it is not in there. */
    static boolean removeFromCache(HttpClient client) throws IllegalAccessException {
        KeepAliveCache cache = (KeepAliveCache) CACHE.get(null);
        if (cache == null) {
            return false;
        }
        if (CACHE_LOCK == null) {
            synchronized (cache) {
                return remove(cache, client);
            }
        }
        Lock lock = (Lock) CACHE_LOCK.get(cache);
        lock.lock();
        try {
            return remove(cache, client);
        } finally {
            lock.unlock();
        }
    }

    private static boolean remove(Map<?, ?> cache, HttpClient client) throws IllegalAccessException {
        for (Object entries : cache.values()) {
            Iterator<?> each = ((Collection<?>) entries).iterator();
            while (each.hasNext()) {
                if (clientOf(each.next()) == client) {
                    each.remove();
                    IN_CACHE.setBoolean(client, false);
                    return true;
                }
            }
        }
        return false;
    }

    private static @Nullable Object clientOf(Object entry) throws IllegalAccessException {
        Field field = entryClient;
        if (field == null) {
            field = field(entry.getClass(), "hc");
            entryClient = field;
        }
        return field.get(entry);
    }
}
