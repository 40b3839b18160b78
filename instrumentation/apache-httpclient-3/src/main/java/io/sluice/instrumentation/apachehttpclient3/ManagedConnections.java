package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.bridge.WatchedMap;
import org.apache.commons.httpclient.HttpConnection;

/** The managers' connections. One that the program has lost instead of releasing gives its lease back. Thread-safe. */
final class ManagedConnections extends WatchedMap<HttpConnection, ManagedConnection> {
    /** What is known of a connection, from its first exchange on. */
    ManagedConnection of(HttpConnection handle) {
        ManagedConnection known = get(handle);
        return known != null ? known : putIfAbsent(handle, new ManagedConnection());
    }

    /** Its socket, which the collector closes, is gone with it. */
    @Override
    protected void collected(ManagedConnection lost) {
        lost.end();
        lost.closed();
    }
}
