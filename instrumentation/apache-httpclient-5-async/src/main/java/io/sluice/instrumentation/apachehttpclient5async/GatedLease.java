package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import java.util.concurrent.Future;
import org.apache.hc.client5.http.nio.AsyncConnectionEndpoint;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.jspecify.annotations.Nullable;

/**
 * An exchange that asks a connection manager for an endpoint. It asks only with the lease in hand, since a pool takes the
 * entry when it is asked. Which connection it has got, and whether it has to share it, it learns afterwards. Thread-safe.
 */
final class GatedLease extends Gated<AsyncConnectionEndpoint> {
    private final LeaseCall call;
    private final ManagerState manager;

    GatedLease(
            LeaseCall call, ManagerState manager, Ask ask, @Nullable FutureCallback<AsyncConnectionEndpoint> callback) {
        super(ask, call.timeoutNanos(), callback);
        this.call = call;
        this.manager = manager;
    }

    @Override
    Future<AsyncConnectionEndpoint> call(long waitedNanos) {
        return call.lease(waitedNanos, this);
    }

    @Override
    boolean canShare() {
        return manager.canShare(call.route, call.state);
    }

    /** Whether a connection of this route would do that is in use already. */
    boolean wouldShare(Object route) {
        return call.state == null && call.route.equals(route);
    }

    @Override
    boolean enter(@Nullable Lease with) {
        return true;
    }

    @Override
    void waits() {
        manager.waits(this);
    }

    @Override
    void waitsNoMore() {
        manager.waitsNoMore(this);
    }

    @Override
    void gone() {
        // Nothing but the lease was taken.
    }

    /** The pool has leased an entry, on whatever thread that happens. */
    @Override
    public void completed(AsyncConnectionEndpoint endpoint) {
        boolean joined = true;
        try {
            joined = AsyncHooks.acquired(endpoint, call, manager, lease()) || isUnlimited();
        } catch (Throwable fault) {
            ConnectionGate.release(lease());
            FailOpen.report(fault);
        }
        if (joined) {
            result.completed(endpoint);
            return;
        }
        try {
            call.giveBack(endpoint);
            askAgain();
        } catch (Exception refused) {
            failed(refused);
        }
    }
}
