package io.sluice.instrumentation.okhttp;

import io.sluice.limiter.ConnectionOwner;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.Socket;
import okhttp3.Connection;
import org.jspecify.annotations.Nullable;

/** Closes idle connections as OkHttp's own pool does. */
final class ConnectionEvictor implements ConnectionOwner {
    private static final ConnectionEvictor OWNER = new ConnectionEvictor();

    /** The one owner, as connections keep it; this class keeps it alive. */
    static final WeakReference<ConnectionEvictor> REFERENCE = new WeakReference<>(OWNER);

    private ConnectionEvictor() {}

    /**
     * Calls acquire a connection under the lock of the pool up to 4.4, under that of the connection since; no version takes
     * the one inside the other. The socket is closed without a lock, as the client does.
     */
    @Override
    public boolean evict(Object handle) throws Exception {
        Carrier carrier = (Carrier) handle;
        Connection connection = carrier.client();
        Object pool = carrier.pool();
        if (connection == null || pool == null) {
            return false;
        }
        synchronized (pool) {
            synchronized (connection) {
                if (!carrier.isUnused()) {
                    return false;
                }
                retire(connection, pool);
            }
        }
        carrier.refuse();
        close(connection.socket());
        return true;
    }

    private static void retire(Connection connection, Object pool) throws Exception {
        try {
            Internals.retire(connection, pool);
        } catch (Exception | Error fault) {
            throw fault;
        } catch (Throwable fault) {
            throw new IllegalStateException(fault);
        }
    }

    static void close(@Nullable Socket socket) {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException | RuntimeException alreadyClosed) {
            // Nobody uses it any more, so there is nobody to tell.
        }
    }

    /** A body must be closed by the program. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
