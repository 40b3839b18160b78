package io.sluice.instrumentation.apachehttpclient5async;

import java.util.concurrent.Future;
import org.apache.hc.client5.http.nio.AsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.reactor.ConnectionInitiator;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** One call of a manager's {@code connect} as the client has made it, to be made again later. Immutable. */
final class ConnectCall {
    /** Set while the calling thread connects on behalf of an exchange that has room for a connection. */
    private static final ThreadLocal<@Nullable Boolean> REPEATED = new ThreadLocal<>();

    private final AsyncClientConnectionManager manager;
    private final AsyncConnectionEndpoint endpoint;
    private final ConnectionInitiator initiator;
    private final @Nullable Timeout timeout;
    private final @Nullable Object attachment;
    private final @Nullable HttpContext context;

    ConnectCall(
            AsyncClientConnectionManager manager,
            AsyncConnectionEndpoint endpoint,
            ConnectionInitiator initiator,
            @Nullable Timeout timeout,
            @Nullable Object attachment,
            @Nullable HttpContext context) {
        this.manager = manager;
        this.endpoint = endpoint;
        this.initiator = initiator;
        this.timeout = timeout;
        this.attachment = attachment;
        this.context = context;
    }

    /** Whether the calling thread makes such a call again. */
    static boolean isRepeated() {
        return REPEATED.get() != null;
    }

    /** Makes the call again. The wait for room does not count as connecting. */
    Future<AsyncConnectionEndpoint> connect(FutureCallback<AsyncConnectionEndpoint> callback) {
        REPEATED.set(Boolean.TRUE);
        try {
            return manager.connect(endpoint, initiator, timeout, attachment, context, callback);
        } finally {
            REPEATED.remove();
        }
    }
}
