package io.sluice.benchmarks;

import java.lang.instrument.Instrumentation;

/** An agent that does nothing: what having any agent costs. */
public final class NoOpAgent {
    private NoOpAgent() {}

    /** Does nothing. */
    public static void premain(String arguments, Instrumentation instrumentation) {}
}
