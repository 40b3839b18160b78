package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.WeakMap;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import okhttp3.Address;

/**
 * The HTTP/2 connections of one pool, and the calls that wait for a lease and could go along on one. Of many first calls to
 * a server as many connect as may; the others share the first connection. Thread-safe; no method blocks.
 */
final class PoolState {
    private static final WeakMap<Object, PoolState> POOLS = new WeakMap<>();

    private final Set<Carrier> multiplexed = ConcurrentHashMap.newKeySet(1);
    /** In order of arrival; guarded by itself. */
    private final LinkedHashSet<CallState> waiting = new LinkedHashSet<>();

    private PoolState() {}

    static PoolState of(Object pool) {
        PoolState known = POOLS.get(pool);
        return known != null ? known : POOLS.putIfAbsent(pool, new PoolState());
    }

    /** A call has this connection: others may go along. */
    void offer(Carrier carrier) {
        if (multiplexed.add(carrier)) {
            dropTheDead();
        }
        wake(carrier);
    }

    private void dropTheDead() {
        for (Carrier carrier : multiplexed) {
            if (carrier.isOver()) {
                multiplexed.remove(carrier);
            }
        }
    }

    /** Whether the call goes along on a connection that others use at this moment. */
    boolean join(CallState call, Address address) {
        Carrier found = reserve(address);
        if (found == null) {
            return false;
        }
        call.join(found);
        return true;
    }

    private @org.jspecify.annotations.Nullable Carrier reserve(Address address) {
        for (Carrier carrier : multiplexed) {
            if (carrier.carries(address) && !carrier.isOver() && carrier.reserve()) {
                return carrier;
            }
        }
        return null;
    }

    /** This call waits for a lease. */
    void waits(CallState call) {
        synchronized (waiting) {
            waiting.add(call);
        }
    }

    void noLongerWaits(CallState call) {
        synchronized (waiting) {
            waiting.remove(call);
        }
    }

    /** A connection may have come since the call looked. */
    void lookAgain(CallState call) {
        Address wanted = call.wanted();
        Carrier found = wanted == null ? null : reserve(wanted);
        if (found != null && !call.sendAlong(found)) {
            found.unreserve();
        }
    }

    /** Lets as many calls go along as the connection takes. */
    void wake(Carrier carrier) {
        for (CallState call : waiting()) {
            Address wanted = call.wanted();
            if (wanted == null || !carrier.carries(wanted)) {
                continue;
            }
            if (!carrier.reserve()) {
                return;
            }
            if (!call.sendAlong(carrier)) {
                carrier.unreserve();
            }
        }
    }

    private List<CallState> waiting() {
        synchronized (waiting) {
            return waiting.isEmpty() ? Collections.<CallState>emptyList() : new ArrayList<>(waiting);
        }
    }
}
