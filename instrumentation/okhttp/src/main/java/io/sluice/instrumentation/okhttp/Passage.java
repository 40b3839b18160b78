package io.sluice.instrumentation.okhttp;

import org.jspecify.annotations.Nullable;

/** A call's way through the gate, on one thread: calls may nest, as a call for DNS does in the one that needs it. */
final class Passage {
    final CallState call;
    final PoolState pool;
    /** The call that looks for a connection outside of this one. */
    final @Nullable CallState outer;

    Passage(CallState call, PoolState pool, @Nullable CallState outer) {
        this.call = call;
        this.pool = pool;
        this.outer = outer;
    }
}
