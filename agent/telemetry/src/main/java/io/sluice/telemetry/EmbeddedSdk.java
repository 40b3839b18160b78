package io.sluice.telemetry;

import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The OpenTelemetry SDK inside the agent, configured by the standard {@code otel.*} settings. It is nobody's global and
 * has no shutdown hook of its own. For the telemetry thread alone.
 */
final class EmbeddedSdk {
    private final OpenTelemetrySdk sdk;
    private final OpenTelemetryBridge bridge;

    private EmbeddedSdk(OpenTelemetrySdk sdk) {
        this.sdk = sdk;
        this.bridge = new OpenTelemetryBridge(sdk);
    }

    /**
     * Builds the SDK; takes some hundred milliseconds.
     *
     * @return null where the settings are wrong, which {@code warnings} is told
     */
    static @Nullable EmbeddedSdk build(
            ExporterSettings settings, Consumer<String> warnings, Consumer<Runnable> exempt) {
        settings.warnings().forEach(warnings);
        AtomicBoolean warnedOfFailure = new AtomicBoolean();
        Consumer<String> failures = failure -> {
            if (warnedOfFailure.compareAndSet(false, true)) {
                warnings.accept("spans of waits do not arrive: " + failure + "; this is said once");
            }
        };
        return QuietLoggers.quietly(() -> {
            try {
                return new EmbeddedSdk(AutoConfiguredOpenTelemetrySdk.builder()
                        .setComponentLoader(new EmbeddedComponents(new HttpPost(exempt, failures)))
                        .disableShutdownHook()
                        .addPropertiesCustomizer(user -> settings.overrides())
                        .build()
                        .getOpenTelemetrySdk());
            } catch (RuntimeException | LinkageError e) {
                warnings.accept("spans of waits are not sent, as OpenTelemetry cannot be set up: " + reason(e));
                return null;
            }
        });
    }

    private static String reason(Throwable e) {
        Throwable cause = e.getCause();
        return e.getMessage() + (cause == null ? "" : " (" + cause.getMessage() + ")");
    }

    /** Emits a span as {@link OpenTelemetryBridge#test} describes it; a batch is sent later, on the SDK's own thread. */
    void emit(Map<String, Object> span) {
        QuietLoggers.quietly(() -> bridge.test(span));
    }

    /** Sends what is left, for at most so long; what fails is reported as any failure is. */
    void flush(long timeoutMillis) {
        sdk.getSdkTracerProvider().forceFlush().join(timeoutMillis, TimeUnit.MILLISECONDS);
    }
}
