package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.limiter.Connection;
import org.jspecify.annotations.Nullable;

/** A connect that is under way on one thread. */
final class Opening {
    final Connection connection;
    /** What the thread was opening before, for {@code Sockets.endOpening}. */
    final @Nullable Connection before;

    Opening(Connection connection, @Nullable Connection before) {
        this.connection = connection;
        this.before = before;
    }
}
