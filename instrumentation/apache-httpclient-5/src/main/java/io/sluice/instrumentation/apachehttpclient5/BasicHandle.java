package io.sluice.instrumentation.apachehttpclient5;

import java.lang.ref.WeakReference;
import org.apache.hc.client5.http.impl.io.BasicHttpClientConnectionManager;
import org.apache.hc.core5.util.TimeValue;

/** The one connection of a manager. */
final class BasicHandle extends Handle {
    private final WeakReference<BasicHttpClientConnectionManager> manager;

    BasicHandle(BasicHttpClientConnectionManager manager) {
        this.manager = new WeakReference<>(manager);
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
}
