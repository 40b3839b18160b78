package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.limiter.ConnectionOwner;
import java.lang.ref.WeakReference;
import org.apache.commons.httpclient.HttpConnection;

/** Closes idle connections by the client's own method; the managers find them closed and the client opens them again. */
final class ManagedConnectionOwner implements ConnectionOwner {
    private static final ManagedConnectionOwner OWNER = new ManagedConnectionOwner();

    /** The one owner, as connections keep it; this class keeps it alive. */
    static final WeakReference<ManagedConnectionOwner> REFERENCE = new WeakReference<>(OWNER);

    private ManagedConnectionOwner() {}

    @Override
    public boolean evict(Object handle) {
        HttpConnection idle = (HttpConnection) handle;
        ManagedConnection known = HttpClientHooks.CONNECTIONS.get(idle);
        return known != null && known.evict(idle);
    }

    /** To finish a response is to read its rest, which the program may still want to read. */
    @Override
    public boolean finish(Object handle) {
        return false;
    }
}
