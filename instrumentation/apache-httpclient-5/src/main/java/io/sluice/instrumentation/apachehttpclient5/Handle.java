package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Where the client keeps one connection, for as long as it keeps it there. Known by the client's own object, so it holds
 * nothing of the client's but weakly.
 */
abstract class Handle {
    /** As long as the client itself lets the closing of an idle TLS connection take (DefaultDisposalCallback). */
    private static final Timeout CLOSE_TIMEOUT = Timeout.ofSeconds(1);

    private volatile @Nullable Connection connection;

    /** A connection was opened. */
    final void opened(Connection opened) {
        connection = opened;
        opened.ownedBy(HandleOwner.REFERENCE, this);
    }

    /** An exchange took the connection, if there is an open one. */
    final void usedBy(Lease lease) {
        Connection kept = connection;
        if (kept != null) {
            kept.use(lease);
        }
    }

    /** Whether the connection is closed by now, or was never there. */
    final boolean isClosed() {
        Connection kept = connection;
        return kept == null || kept.isClosed();
    }

    /** Closes the connection if nobody uses it; false if somebody does. May block for as long as closing takes. */
    abstract boolean evict() throws Exception;

    /** Closes a connection that is leased by an endpoint which nobody has any more. */
    abstract void closeLost();

    /** Closes what nobody else can reach. */
    static void close(ManagedHttpClientConnection idle) {
        Timeout timeout = idle.getSocketTimeout();
        if (timeout == null || !TimeValue.isPositive(timeout) || timeout.compareTo(CLOSE_TIMEOUT) > 0) {
            idle.setSocketTimeout(CLOSE_TIMEOUT);
        }
        idle.close(CloseMode.GRACEFUL);
    }
}
