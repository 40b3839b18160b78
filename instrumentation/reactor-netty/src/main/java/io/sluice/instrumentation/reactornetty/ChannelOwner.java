package io.sluice.instrumentation.reactornetty;

import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;

/** Closes idle connections on behalf of the limiter. */
final class ChannelOwner implements ConnectionOwner {
    private static final ChannelOwner OWNER = new ChannelOwner();

    /** Weak, as the limiter wants it; the owner lives as long as its class. */
    static final WeakReference<ChannelOwner> REFERENCE = new WeakReference<>(OWNER);

    private ChannelOwner() {}

    @Override
    public boolean evict(Object handle) throws ReflectiveOperationException {
        return ((ChannelState) handle).evict();
    }

    /** Nobody can tell whether the rest of a response will still be read: its publisher belongs to the program. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
