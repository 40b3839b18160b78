package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.limiter.Connection;
import org.jspecify.annotations.Nullable;

/** A connect that is under way on one thread. */
final class Opening {
    final ManagedConnection managed;
    final Connection connection;
    /** What the thread was opening before, for {@code Sockets.endOpening}. */
    final @Nullable Connection before;

    Opening(ManagedConnection managed, Connection connection, @Nullable Connection before) {
        this.managed = managed;
        this.connection = connection;
        this.before = before;
    }
}
