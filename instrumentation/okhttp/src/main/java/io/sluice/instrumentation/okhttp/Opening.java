package io.sluice.instrumentation.okhttp;

import io.sluice.limiter.Connection;
import org.jspecify.annotations.Nullable;

/** A socket that is being connected by the calling thread. */
final class Opening {
    final Connection connection;
    /** What the thread was opening before, for {@code Sockets.endOpening}. */
    final @Nullable Connection before;

    Opening(Connection connection, @Nullable Connection before) {
        this.connection = connection;
        this.before = before;
    }
}
