package io.sluice.bridge;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A {@link WeakMap} that is told what became of objects which the program has lost: what they held is given back, for
 * somebody may wait for it. It hears of them within 50 ms of their collection while anybody waits, within some minutes
 * otherwise, or with its next {@link #put}. Thread-safe; no method blocks.
 */
public abstract class WatchedMap<K, V> extends WeakMap<K, V> {
    // Weak: a client's classes, this map's subclass among them, must be collectable.
    private static final List<WeakReference<WatchedMap<?, ?>>> ALL = new CopyOnWriteArrayList<>();

    protected WatchedMap() {
        ALL.add(new WeakReference<WatchedMap<?, ?>>(this));
    }

    /** Tells all maps what was collected. One that fails does not keep the others from it. */
    static void dropAll() {
        for (WeakReference<WatchedMap<?, ?>> reference : ALL) {
            WatchedMap<?, ?> map = reference.get();
            if (map == null) {
                ALL.remove(reference);
                continue;
            }
            try {
                map.drop();
            } catch (Throwable fault) {
                FailOpen.report(fault);
            }
        }
    }

    /** Told once of every value whose key was collected, on whatever thread notices; must neither block nor throw. */
    @Override
    protected abstract void collected(V value);
}
