package io.sluice.instrumentation.apachehttpclient5;

import java.lang.ref.WeakReference;
import org.apache.hc.client5.http.impl.io.BasicHttpClientConnectionManager;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.TimeValue;

/** The one connection of a manager. */
final class BasicHandle extends Handle {
    private final WeakReference<BasicHttpClientConnectionManager> manager;

    private final WeakReference<ManagedHttpClientConnection> connection;

    BasicHandle(BasicHttpClientConnectionManager manager, ManagedHttpClientConnection connection) {
        this.manager = new WeakReference<>(manager);
        this.connection = new WeakReference<>(connection);
    }

    /** The manager closes what is not leased, under its own lock, which nobody but its one user wants. */
    @Override
    boolean evict() {
        BasicHttpClientConnectionManager kept = manager.get();
        if (kept != null) {
            kept.closeIdle(TimeValue.ZERO_MILLISECONDS);
        }
        return kept != null && isClosed();
    }

    /** Its manager stays leased for ever, as without us. */
    @Override
    void closeLost() {
        ManagedHttpClientConnection lost = connection.get();
        if (lost != null) {
            lost.close(CloseMode.IMMEDIATE);
        }
    }
}
