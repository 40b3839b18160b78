package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.bridge.Background;
import io.sluice.bridge.WatchedMap;
import org.apache.http.conn.ManagedClientConnection;

/**
 * The exchanges by what the client holds during one of them. What the program has lost instead of releasing can be neither
 * read from nor released any more: its lease is taken back. Thread-safe.
 */
final class Exchanges extends WatchedMap<ManagedClientConnection, Exchange> {
    @Override
    protected void collected(Exchange lost) {
        if (lost.lease() != null) {
            Background.executor().execute(lost);
        }
    }
}
