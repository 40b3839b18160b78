package io.sluice.instrumentation.apachehttpclient4;

import io.sluice.limiter.Connection;
import org.jspecify.annotations.Nullable;

/** A connect that is under way on one thread. */
final class Opening {
    final Exchange exchange;
    final Connection connection;
    final boolean tunnelled;
    /** What the thread was opening before, for {@code Sockets.endOpening}. */
    final @Nullable Connection before;

    Opening(Exchange exchange, Connection connection, boolean tunnelled, @Nullable Connection before) {
        this.exchange = exchange;
        this.connection = connection;
        this.tunnelled = tunnelled;
        this.before = before;
    }
}
