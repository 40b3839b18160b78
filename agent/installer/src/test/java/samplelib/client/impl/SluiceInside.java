package samplelib.client.impl;

import io.sluice.installer.Probe;

/** A helper in the client's own package. */
public final class SluiceInside {
    private SluiceInside() {}

    /** Tells its own name. */
    public static void seen(SamplePoolManager manager) {
        Probe.call(SluiceInside.class.getName() + " saw " + manager.getClass().getName());
    }
}
