package io.sluice.instrumentation.asynchttpclient;

import io.sluice.bridge.WeakMap;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.asynchttpclient.netty.channel.ChannelManager;

/** Who waits, by client and in order of arrival. Thread-safe; nothing is called with the lock held. */
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
}
