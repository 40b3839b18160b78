package io.sluice.installer;

import java.util.concurrent.Callable;
import samplelib.client.impl.SamplePoolManager;
import samplelib.client.impl.SluiceInside;
import samplelib.core.Wire;

/** A helper as real ones are: it names types of its client, another helper, and a class by a text. */
public final class LibraryHooks {
    private LibraryHooks() {}

    /** A manager gave out a wire. */
    public static void taken(SamplePoolManager manager, Wire wire) throws Exception {
        Looked looked = new Looked(wire);
        Probe.call(looked.call() + " by " + looked.getClass().getName());
        SluiceInside.seen(manager);
    }

    /** Nested, with a generic supertype. */
    static final class Looked implements Callable<String> {
        private static final String HELPER = "io.sluice.installer.LibraryHooks";

        private final Wire wire;

        Looked(Wire wire) {
            this.wire = wire;
        }

        @Override
        public String call() throws ReflectiveOperationException {
            Class<?> byName = Class.forName("samplelib.core.Wire", false, Looked.class.getClassLoader());
            Class<?> helper = Class.forName(HELPER, false, Looked.class.getClassLoader());
            boolean same = byName == wire.getClass() && helper == LibraryHooks.class;
            return "samplelib " + wire.name() + " of " + byName.getName() + (same ? "" : ", confused");
        }
    }
}
