package io.sluice.installer;

import io.sluice.limiter.Wait;
import io.sluice.limiter.WaitListener;
import org.jspecify.annotations.Nullable;

/** Tells nobody of waits. */
final class NoTelemetry implements WaitListener {
    @Override
    public @Nullable Object captureContext() {
        return null;
    }

    @Override
    public void ended(Wait wait) {
        // Nobody wants to know.
    }
}
