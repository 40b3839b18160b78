package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;

/** Has the pools close idle connections on behalf of the limiter. */
final class KeptOwner implements ConnectionOwner {
    private static final KeptOwner OWNER = new KeptOwner();

    /** Weak, as the limiter wants it; the owner lives as long as its class. */
    static final WeakReference<KeptOwner> REFERENCE = new WeakReference<>(OWNER);

    private KeptOwner() {}

    @Override
    public boolean evict(Object handle) {
        return ((Kept) handle).evict();
    }

    /** A response is consumed as it arrives: there is nothing to finish. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
