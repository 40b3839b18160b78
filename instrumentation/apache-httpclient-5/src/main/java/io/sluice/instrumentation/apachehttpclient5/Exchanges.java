package io.sluice.instrumentation.apachehttpclient5;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WatchedMap;
import org.apache.hc.client5.http.io.ConnectionEndpoint;

/**
 * The exchanges by their endpoints. An endpoint that the program has lost instead of releasing can be neither read from nor
 * released any more: its lease is taken back. Thread-safe.
 */
final class Exchanges extends WatchedMap<ConnectionEndpoint, ClassicExchange> {
    @Override
    protected void collected(ClassicExchange lost) {
        Background.executor().execute(lost);
        ConnectionGate.release(lost.lease);
    }
}
