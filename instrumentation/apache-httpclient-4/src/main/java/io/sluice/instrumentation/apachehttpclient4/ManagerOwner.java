package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.bridge.WeakMap;
import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpConnection;
import org.apache.http.conn.HttpClientConnectionManager;
import org.apache.http.pool.PoolEntry;

/** Has the managers close idle connections, each under its own lock and by its public methods. */
final class ManagerOwner implements ConnectionOwner {
    private static final ManagerOwner OWNER = new ManagerOwner();

    /** The one owner, as connections keep it; this class keeps it alive. */
    static final WeakReference<ManagerOwner> REFERENCE = new WeakReference<>(OWNER);

    private static final WeakMap<Object, WeakReference<HttpClientConnectionManager>> MANAGERS = new WeakMap<>();

    private ManagerOwner() {}

    /** Whose a pool entry, or the connection of a basic manager, is. */
    static void remember(Object handle, HttpClientConnectionManager manager) {
        MANAGERS.put(handle, Home.of(manager).manager);
    }

    /**
     * Pooled: the entry expires now, and the pool closes what is expired and available, never what is leased. Who leases it
     * between the two closes it as expired, and releasing an entry sets its expiry anew, so a race costs nothing.
     *
     * <p>Basic: {@code closeIdleConnections} leaves a leased connection alone.
     */
    @Override
    public boolean evict(Object handle) {
        WeakReference<HttpClientConnectionManager> reference = MANAGERS.get(handle);
        HttpClientConnectionManager manager = reference == null ? null : reference.get();
        if (manager == null) {
            return false;
        }
        if (handle instanceof PoolEntry) {
            PoolEntry<?, ?> entry = (PoolEntry<?, ?>) handle;
            entry.updateExpiry(1, TimeUnit.NANOSECONDS); // 0 would mean never; less than a millisecond means now
            manager.closeExpiredConnections();
            return entry.isClosed();
        }
        manager.closeIdleConnections(0, TimeUnit.MILLISECONDS);
        return !((HttpConnection) handle).isOpen();
    }

    /** A response must be closed by the program: without us, too, its connection is lost to the pool otherwise. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
