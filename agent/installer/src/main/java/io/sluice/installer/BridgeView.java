package io.sluice.installer;

import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.Callable;

/**
 * Whether the classes of a loader see ours. Most loaders ask the bootstrap loader first or last; some, as in OSGi, show
 * only chosen packages of it, and others have a copy of our classes of their own. A class woven there would fail at its
 * next call with {@code NoClassDefFoundError}, from which not even the advice's handler saves it, as that calls the
 * bridge, too.
 *
 * <p>A class of that loader must ask: Felix ("implicit boot delegation") and Equinox show classes outside their bundles,
 * such as the weaver, more than they show to those within, and tell them apart by the stack.
 */
final class BridgeView {
    private BridgeView() {}

    /**
     * Looks once in each loader. Runs the program's loader, on a thread that may be in the middle of defining a class in
     * it: that is where the JVM itself asks the loader for the superclass, so it takes no lock that is not taken there.
     * Whatever the loader throws means no.
     */
    static boolean isIn(ClassLoader loader, LoaderState state, Helpers helpers) {
        Boolean known = state.seesBridge;
        if (known == null) {
            known = look(loader, helpers);
            state.seesBridge = known;
        }
        return known;
    }

    private static boolean look(ClassLoader loader, Helpers helpers) {
        try {
            String probe = BridgeProbe.class.getName();
            helpers.define(loader, Collections.singletonList(probe), null);
            Object inside = Class.forName(probe, true, loader).getConstructor().newInstance();
            return Arrays.equals((Object[]) ((Callable<?>) inside).call(), new BridgeProbe().call());
        } catch (Throwable hidden) {
            Log.debug(loader.getClass().getName() + " hides the bridge: " + hidden);
            return false;
        }
    }
}
