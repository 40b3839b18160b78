package io.sluice.telemetry;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether the user asked for spans from the SDK inside the agent, and what that SDK must be told beside the user's own
 * {@code otel.*} settings. Immutable.
 *
 * <p>A setting is a system property or, weaker, the environment variable of the same name in capitals with underscores; an
 * empty one counts as absent (OpenTelemetry's environment variable specification).
 */
final class ExporterSettings {
    private static final String EXPORTER = "otel.traces.exporter";
    private static final String OTLP = "otel.exporter.otlp.";
    private static final List<String> BUILT_IN_EXPORTERS = Arrays.asList("otlp", "zipkin", "console");

    private final Map<String, String> overrides = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final boolean configured;

    /** The settings of this JVM as they are now. */
    static ExporterSettings ofThisJvm() {
        Map<String, String> properties = new HashMap<>();
        for (String name : System.getProperties().stringPropertyNames()) {
            if (name.startsWith("otel.")) {
                properties.put(name, System.getProperty(name, ""));
            }
        }
        return new ExporterSettings(properties, System.getenv());
    }

    ExporterSettings(Map<String, String> properties, Map<String, String> environment) {
        Lookup lookup = new Lookup(properties, environment);
        Set<String> exporters = lookup.list(EXPORTER);
        boolean endpoint = lookup.text(OTLP + "endpoint") != null || lookup.text(OTLP + "traces.endpoint") != null;
        boolean disabled = "true".equalsIgnoreCase(lookup.text("otel.sdk.disabled"));
        boolean asked = !exporters.isEmpty() || endpoint;
        if (exporters.isEmpty()) {
            exporters.add("otlp");
        }
        Set<String> known = new LinkedHashSet<>(exporters);
        known.retainAll(BUILT_IN_EXPORTERS);
        configured = asked && !disabled && !exporters.contains("none");

        overrides.put(EXPORTER, known.isEmpty() ? "none" : String.join(",", known));
        // The agent has neither metrics nor logs to send yet, and of propagators it needs none.
        overrides.put("otel.metrics.exporter", "none");
        overrides.put("otel.logs.exporter", "none");
        overrides.put("otel.propagators", "none");
        // OpenTelemetry's own default, gRPC, would need a client library of 3 MB.
        overrides.put(OTLP + "protocol", "http/protobuf");
        overrides.put(OTLP + "traces.protocol", "http/protobuf");

        if (!known.equals(exporters)) {
            warnings.add(
                    EXPORTER + "=" + String.join(",", exporters) + ": for spans of waits the agent has otlp, zipkin,"
                            + " console and none; using " + overrides.get(EXPORTER));
        }
        warnOfProtocol(lookup, known.contains("otlp"));
    }

    private void warnOfProtocol(Lookup lookup, boolean usesOtlp) {
        String key = lookup.text(OTLP + "traces.protocol") == null ? OTLP + "protocol" : OTLP + "traces.protocol";
        String protocol = lookup.text(key);
        if (usesOtlp && protocol != null && !protocol.equals("http/protobuf")) {
            warnings.add(key + "=" + protocol + ": the agent sends spans of waits by http/protobuf only, to port 4318"
                    + " unless an endpoint says otherwise; using http/protobuf");
        }
    }

    /** Whether there is anywhere to send spans to. */
    boolean configured() {
        return configured;
    }

    /** What holds for the SDK inside the agent, whatever else is set. */
    Map<String, String> overrides() {
        return Collections.unmodifiableMap(overrides);
    }

    /** What the user should know once the SDK inside the agent is needed. */
    List<String> warnings() {
        return Collections.unmodifiableList(warnings);
    }

    private static final class Lookup {
        private final Map<String, String> properties;
        private final Map<String, String> environment;

        Lookup(Map<String, String> properties, Map<String, String> environment) {
            this.properties = properties;
            this.environment = environment;
        }

        @Nullable
        String text(String key) {
            String value = properties.get(key);
            if (value == null || value.trim().isEmpty()) {
                value = environment.get(key.toUpperCase(Locale.ROOT).replace('.', '_'));
            }
            return value == null || value.trim().isEmpty() ? null : value.trim();
        }

        Set<String> list(String key) {
            Set<String> items = new LinkedHashSet<>();
            String value = text(key);
            if (value != null) {
                for (String item : value.split(",", -1)) {
                    if (!item.trim().isEmpty()) {
                        items.add(item.trim());
                    }
                }
            }
            return items;
        }
    }
}
