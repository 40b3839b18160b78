package io.sluice.installer;

import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Destination;
import java.util.concurrent.Callable;

/**
 * Sees what a woven class would see: {@link BridgeView} defines a copy of it in a client's class loader. Loaded by: that
 * loader; may use: {@code java.*}, and what it looks for.
 */
public final class BridgeProbe implements Callable<Class<?>[]> {
    /** One class of each package that woven classes and helpers name. */
    @Override
    public Class<?>[] call() {
        return new Class<?>[] {FailOpen.class, Destination.class};
    }
}
