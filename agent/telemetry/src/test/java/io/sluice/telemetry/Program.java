package io.sluice.telemetry;

import java.util.List;
import java.util.Map;

/**
 * A program with OpenTelemetry of its own, seen from a test. The test's class loader defines this interface, a
 * {@link ProgramLoader} its implementation and that one's OpenTelemetry.
 */
public interface Program {
    /** Sets up an SDK that keeps finished spans, as the global or not. */
    void setUpSdk(boolean global);

    /** What libraries do that ask for the global before anyone has set it. */
    void setGlobalToNoop();

    /** Runs an action with a span as the current one and returns its ids as a traceparent. */
    String inSpan(Runnable action);

    /** Runs an action with no span as the current one. */
    void inNoSpan(Runnable action);

    /** Runs an action as the SDK's exporters run theirs. */
    void asExporter(Runnable action);

    /** Adds a storage wrapper and tells whether it took effect. */
    boolean storageCanStillBeWrapped();

    /** Finished spans but those of {@link #inSpan}: name, kind, start, end, parent, traceId, status, scope, attributes. */
    List<Map<String, Object>> finishedSpans();
}
