package io.sluice.telemetry;

import io.sluice.limiter.Wait;
import io.sluice.limiter.WaitListener;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes an OpenTelemetry span of every wait and sends it where the program's other spans go.
 *
 * <p>The parent is the asking thread's current span in whichever OpenTelemetry API the program has, else the request's
 * {@code traceparent} header, else none. The span goes
 *
 * <ol>
 *   <li>to the program's {@code GlobalOpenTelemetry} where that is set and not a no-op,
 *   <li>else to the SDK inside the agent where the user configured an exporter ({@code otel.traces.exporter} or an OTLP
 *       endpoint, as properties or environment variables),
 *   <li>else nowhere; then no class of the SDK is loaded and, in a program without OpenTelemetry, no thread started.
 * </ol>
 *
 * <p>Waits that an exporter of the program's SDK meets are not reported, as each report would cause the next.
 *
 * <p>All work is done on one daemon thread with explicit start and end times. When the JVM ends, what is left is sent, for
 * at most 2 s. Safe for use by several threads; no method but {@link #flush} blocks, and none throws.
 */
public final class WaitSpans implements WaitListener {
    private final ProgramApis programApis = new ProgramApis();
    private final ExporterSettings settings;
    private final Consumer<String> warnings;
    private final Consumer<Runnable> exempt;
    private final TelemetryThread thread;
    private final AtomicBoolean warnedOfCapture = new AtomicBoolean();

    /** Of the telemetry thread alone; null until it is needed, and for good where it cannot be built. */
    private @Nullable EmbeddedSdk embedded;

    private boolean embeddedTried;

    WaitSpans(ExporterSettings settings, Consumer<String> warnings, Consumer<Runnable> exempt) {
        this.settings = settings;
        this.warnings = warnings;
        this.exempt = exempt;
        this.thread =
                new TelemetryThread(warnings, exempt, new FlushEmbedded(TelemetryThread.EXIT_FLUSH_MILLIS * 3 / 4));
    }

    /**
     * Reads the settings and starts nothing. To be called in premain: the telemetry thread has the rights that the caller
     * has now.
     *
     * @param warnings is told, in a line each and each at most once, what the user should know; on any thread
     * @param exempt runs what it is given, at once and on the calling thread, such that the connections which that opens
     *     are not limited
     */
    public static WaitSpans create(Consumer<String> warnings, Consumer<Runnable> exempt) {
        return new WaitSpans(ExporterSettings.ofThisJvm(), warnings, exempt);
    }

    /**
     * The classes of opentelemetry-api, named with dots, whose defining loader {@link #programApiSeen} is to be told. One
     * of them is not enough where parts of the API are separate bundles or modules.
     */
    public static List<String> programApiClasses() {
        return ProgramApis.LANDMARKS;
    }

    /**
     * Notes that a loader is defining a class of opentelemetry-api. Only remembers the loader, weakly, so it may be called
     * in the middle of class loading, on any thread, and any number of times.
     *
     * @param loader the defining loader; null (bootstrap) and the agent's own are ignored
     */
    public void programApiSeen(@Nullable ClassLoader loader) {
        programApis.seen(loader);
    }

    @Override
    public @Nullable Object captureContext() {
        if (programApis.isEmpty()) {
            return null;
        }
        try {
            return programApis.current();
        } catch (Throwable e) { // the program's code runs in there, such as its ContextStorage
            if (warnedOfCapture.compareAndSet(false, true)) {
                warnings.accept("the program's trace context cannot be read, so spans of waits have no parent: " + e);
            }
            return null;
        }
    }

    @Override
    public void ended(Wait wait) {
        if (wait.context() == ProgramApi.SUPPRESSED || (!settings.configured() && programApis.isEmpty())) {
            return;
        }
        thread.submit(new Emission(wait));
    }

    /**
     * Waits until the spans of all waits ended so far have left the agent.
     *
     * @return whether they had within the time; false too when interrupted, and the interrupt is kept
     */
    public boolean flush(long timeoutMillis) {
        return thread.flush(new FlushEmbedded(timeoutMillis), timeoutMillis);
    }

    private void emit(Wait wait) {
        Map<String, Object> span = WaitSpan.of(wait);
        Object captured = wait.context();
        if (captured instanceof ProgramApi.Captured) {
            ProgramApi api = ((ProgramApi.Captured) captured).api;
            Object context = ((ProgramApi.Captured) captured).context;
            span.put(OpenTelemetryBridge.PARENT_CONTEXT, context);
            if (api.emit(span)) {
                return;
            }
            // The program's SDK is not its global. The context means nothing to any other API, the span's ids do.
            span.remove(OpenTelemetryBridge.PARENT_CONTEXT);
            span.put(OpenTelemetryBridge.PARENT_TRACEPARENT, api.traceparentOf(context));
        } else {
            String traceparent = wait.traceparent();
            if (traceparent != null) {
                span.put(OpenTelemetryBridge.PARENT_TRACEPARENT, traceparent);
            }
            if (programApis.emit(span)) {
                return;
            }
        }
        EmbeddedSdk sdk = embedded();
        if (sdk != null) {
            sdk.emit(span);
        }
    }

    private @Nullable EmbeddedSdk embedded() {
        if (settings.configured() && !embeddedTried) {
            embeddedTried = true;
            embedded = EmbeddedSdk.build(settings, warnings, exempt);
        }
        return embedded;
    }

    private final class Emission implements Runnable {
        private final Wait wait;

        Emission(Wait wait) {
            this.wait = wait;
        }

        @Override
        public void run() {
            emit(wait);
        }
    }

    private final class FlushEmbedded implements Runnable {
        private final long timeoutMillis;

        FlushEmbedded(long timeoutMillis) {
            this.timeoutMillis = timeoutMillis;
        }

        @Override
        public void run() {
            if (embedded != null) {
                embedded.flush(timeoutMillis);
            }
        }
    }
}
