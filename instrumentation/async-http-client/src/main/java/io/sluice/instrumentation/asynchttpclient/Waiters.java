package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.EventLoopGroup;
import io.sluice.bridge.WeakMap;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.asynchttpclient.netty.channel.ChannelManager;

/**
 * Who has no connection yet, by client and in order of arrival: waits for a lease or for room, or connects. Thread-safe;
 * nothing is called with the lock held.
 */
final class Waiters {
    private static final WeakMap<ChannelManager, Set<Attempt>> WAITING = new WeakMap<>();

    private Waiters() {}

    static void add(ChannelManager manager, Attempt attempt) {
        synchronized (WAITING) {
            Set<Attempt> ofClient = WAITING.get(manager);
            if (ofClient == null) {
                ofClient = new LinkedHashSet<>();
                WAITING.put(manager, ofClient);
            }
            ofClient.add(attempt);
        }
    }

    static void remove(ChannelManager manager, Attempt attempt) {
        synchronized (WAITING) {
            Set<Attempt> ofClient = WAITING.get(manager);
            if (ofClient != null && ofClient.remove(attempt) && ofClient.isEmpty()) {
                WAITING.remove(manager); // or it would keep its key
            }
        }
    }

    static List<Attempt> of(ChannelManager manager) {
        synchronized (WAITING) {
            Set<Attempt> ofClient = WAITING.get(manager);
            return ofClient == null ? new ArrayList<>() : new ArrayList<>(ofClient);
        }
    }

    /** Ends every wait for a lease; a connect that the client's threads take to their grave ends with them. */
    static void closed(ChannelManager manager) {
        List<Attempt> left = of(manager);
        for (Attempt attempt : left) {
            attempt.clientClosed();
        }
        if (!left.isEmpty()) {
            whenDead(manager);
        }
    }

    /** The client's threads may outlive it, if they are the program's; then they tell how a connect ends. */
    static void whenDead(ChannelManager manager) {
        EventLoopGroup threads = Versions.eventLoops(manager);
        WeakReference<ChannelManager> closed = new WeakReference<>(manager);
        threads.terminationFuture().addListener(dead -> {
            ChannelManager ofThem = closed.get();
            if (ofThem != null) {
                for (Attempt attempt : of(ofThem)) {
                    attempt.lost();
                }
            }
        });
    }
}
