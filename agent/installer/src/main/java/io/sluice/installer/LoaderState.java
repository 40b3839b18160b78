package io.sluice.installer;

import io.sluice.bridge.WeakMap;
import java.lang.ref.SoftReference;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What was done in one class loader of the program. Thread-safe. Kept only as long as that loader. */
final class LoaderState {
    /** What is woven: {@link #key} of client and class. */
    final Set<String> woven = set();
    /** Names of classes that were looked at, and are either woven or left alone for good. */
    final Set<String> handled = set();
    /** Clients whose classes here are all known to be as they should be. */
    final Set<Client> checked = set();
    /** What was woven for a trial, by {@link #key}, until the class is loaded. */
    final Map<String, SoftReference<ShapeCheck.Trial>> trials =
            new ConcurrentHashMap<String, SoftReference<ShapeCheck.Trial>>(8);
    /** Clients whose helpers are defined. */
    final Set<Client> prepared = set();
    /** Clients that are left alone here: one of their classes is unknown to us. */
    final Set<Client> leftAlone = set();

    /** Whether this loader's classes see the bridge; null until somebody looked. */
    volatile @Nullable Boolean seesBridge;

    /** Stands for the hooks of one client on one class. */
    static String key(Client client, String className) {
        return client.key + ' ' + className;
    }

    private static <T> Set<T> set() {
        return Collections.newSetFromMap(new ConcurrentHashMap<T, Boolean>(8));
    }

    /** The states of all class loaders. */
    static final class Table {
        private final LoaderState bootstrap = new LoaderState();
        private final WeakMap<ClassLoader, LoaderState> others = new WeakMap<ClassLoader, LoaderState>();

        /** The state of a loader; null is the bootstrap loader. */
        LoaderState of(@Nullable ClassLoader loader) {
            if (loader == null) {
                return bootstrap;
            }
            LoaderState state = others.get(loader);
            if (state == null) {
                synchronized (this) {
                    state = others.get(loader);
                    if (state == null) {
                        state = new LoaderState();
                        others.put(loader, state);
                    }
                }
            }
            return state;
        }
    }
}
