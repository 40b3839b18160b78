package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Background;
import io.sluice.bridge.WatchedMap;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;

/**
 * The exchanges by their endpoints. An endpoint that the program has lost instead of releasing can be used by nobody any
 * more: its lease is taken back. Thread-safe; no method blocks.
 */
final class Exchanges extends WatchedMap<AsyncConnectionEndpoint, AsyncExchange> {
    @Override
    protected void collected(AsyncExchange lost) {
        if (lost.handle() != null) {
            Background.executor().execute(lost);
            lost.end();
        }
    }
}
