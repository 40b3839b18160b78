package io.sluice.instrumentation.apachehttpclient5async;

import java.util.concurrent.Future;
import org.apache.hc.client5.http.nio.AsyncClientConnectionManager;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.reactor.ConnectionInitiator;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** One call of a connection manager's {@code connect} as the client has made it, to be made again later. Immutable. */
final class ConnectCall implements Opener<AsyncConnectionEndpoint> {
    /** Set while the calling thread connects on behalf of an exchange that has room for a connection. */
    private static final ThreadLocal<@Nullable Boolean> REPEATED = new ThreadLocal<>();

    private final AsyncClientConnectionManager manager;
    private final AsyncConnectionEndpoint endpoint;
    private final ConnectionInitiator initiator;
    private final @Nullable Timeout timeout;
    private final @Nullable Object attachment;
    private final @Nullable HttpContext context;
    private final AsyncExchange exchange;

    ConnectCall(
            AsyncClientConnectionManager manager,
            AsyncConnectionEndpoint endpoint,
            ConnectionInitiator initiator,
            @Nullable Timeout timeout,
            @Nullable Object attachment,
            @Nullable HttpContext context,
            AsyncExchange exchange) {
        this.manager = manager;
        this.endpoint = endpoint;
        this.initiator = initiator;
        this.timeout = timeout;
        this.attachment = attachment;
        this.context = context;
        this.exchange = exchange;
    }

    /** Whether the calling thread makes such a call again. */
    static boolean isRepeated() {
        return REPEATED.get() != null;
    }

    @Override
    public Future<AsyncConnectionEndpoint> open(FutureCallback<AsyncConnectionEndpoint> callback) {
        REPEATED.set(Boolean.TRUE);
        try {
            return manager.connect(endpoint, initiator, timeout, attachment, context, callback);
        } finally {
            REPEATED.remove();
        }
    }

    /** The client may have let go of the endpoint, and would never close what comes then. */
    @Override
    public boolean isUnwanted() {
        return exchange.isOver();
    }
}
