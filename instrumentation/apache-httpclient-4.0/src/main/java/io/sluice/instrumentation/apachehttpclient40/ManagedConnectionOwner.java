package io.sluice.instrumentation.apachehttpclient40;

import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;

/** Has idle connections closed. A handle is a {@link ManagedConnection}, which lives as long as the client's connection. */
final class ManagedConnectionOwner implements ConnectionOwner {
    private static final ManagedConnectionOwner OWNER = new ManagedConnectionOwner();

    /** The one owner, as connections keep it; this class keeps it alive. */
    static final WeakReference<ManagedConnectionOwner> REFERENCE = new WeakReference<>(OWNER);

    private ManagedConnectionOwner() {}

    @Override
    public boolean evict(Object handle) {
        return ((ManagedConnection) handle).evict();
    }

    /** A response must be closed by the program: without us, too, its connection is lost to the pool otherwise. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
