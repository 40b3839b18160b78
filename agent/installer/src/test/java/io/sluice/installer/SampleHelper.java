package io.sluice.installer;

/** A helper; the instrumentation defines it in the client's class loader, where advice then finds it. */
public final class SampleHelper {
    private SampleHelper() {}

    /** Tells who saw whom. */
    public static void seen(Object client) {
        Probe.helped(SampleHelper.class, client);
    }
}
