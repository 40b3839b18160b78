package io.sluice.bridge;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Remembers a value for an object of the program, by identity and without keeping the object alive: woven classes cannot
 * be given new fields. The value must not reach the key. Thread-safe; no method blocks.
 *
 * <p>What belonged to objects that were collected goes with the next {@link #put} or {@link #drop}; who must know of it
 * makes a {@link WatchedMap}.
 */
public class WeakMap<K, V> {
    private final ConcurrentHashMap<Object, V> values = new ConcurrentHashMap<>();
    private final ReferenceQueue<K> queue = new ReferenceQueue<>();
    /**
     * Whether anything was ever remembered. The map's own count may say zero for a moment while other threads add and remove
     * what is theirs, and a connection that is not found then would be counted for ever.
     */
    private volatile boolean used;

    /** The value remembered for this very object, or null. */
    public @Nullable V get(@Nullable K key) {
        return key == null || !used ? null : values.get(new Lookup(key));
    }

    /** Remembers a value; returns the one that it replaces, or null. */
    public @Nullable V put(K key, V value) {
        beforePut();
        return values.put(new Key<K>(key, queue), value);
    }

    /** Remembers a value unless there is one already; returns the one that stays. */
    public V putIfAbsent(K key, V value) {
        beforePut();
        V before = values.putIfAbsent(new Key<K>(key, queue), value);
        return before == null ? value : before;
    }

    private void beforePut() {
        if (!used) {
            used = true;
        }
        drop();
    }

    /** Forgets the value; returns it, or null. */
    public @Nullable V remove(@Nullable K key) {
        return key == null || !used ? null : values.remove(new Lookup(key));
    }

    /**
     * Forgets what belonged to objects that were collected.
     *
     * @return what was forgotten by this call; what went with an earlier {@link #put} only {@link #collected} hears of
     */
    public final List<V> drop() {
        List<V> dropped = Collections.emptyList();
        for (Reference<?> gone = queue.poll(); gone != null; gone = queue.poll()) {
            V value = values.remove(gone);
            if (value != null) {
                if (dropped.isEmpty()) {
                    dropped = new ArrayList<>();
                }
                dropped.add(value);
                collected(value);
            }
        }
        return dropped;
    }

    /** Told once of every value whose key was collected. */
    void collected(V value) {}

    /** How many values are remembered. */
    public int size() {
        return values.size();
    }

    /** A key in the map: equal to itself, and to a look-up of the same object. */
    private static final class Key<K> extends WeakReference<K> {
        private final int hash;

        Key(K key, ReferenceQueue<K> queue) {
            super(key, queue);
            hash = System.identityHashCode(key);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            if (this == other) {
                return true;
            }
            Object mine = get();
            if (other instanceof Lookup) {
                return mine == ((Lookup) other).key;
            }
            return other instanceof Key && mine != null && mine == ((Key<?>) other).get();
        }
    }

    private static final class Lookup {
        private final Object key;

        Lookup(Object key) {
            this.key = key;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(key);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key && ((Key<?>) other).get() == key;
        }
    }
}
