package io.sluice.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ExporterSettingsTest {
    private static final Map<String, String> NONE = Collections.emptyMap();

    private static ExporterSettings properties(String key, String value) {
        return new ExporterSettings(Collections.singletonMap(key, value), NONE);
    }

    @Test
    void areUnconfiguredByDefault() {
        ExporterSettings settings = new ExporterSettings(NONE, NONE);

        assertThat(settings.configured()).isFalse();
        assertThat(settings.warnings()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "otel.traces.exporter, otlp, otlp",
        "otel.traces.exporter, zipkin, zipkin",
        "otel.traces.exporter, 'console, zipkin', 'console,zipkin'",
        "otel.exporter.otlp.endpoint, http://c:4318, otlp",
        "otel.exporter.otlp.traces.endpoint, http://c:4318/v1/traces, otlp"
    })
    void areConfiguredByAnExporterOrAnEndpoint(String key, String value, String exporters) {
        ExporterSettings byProperty = properties(key, value);
        assertThat(byProperty.configured()).isTrue();
        assertThat(byProperty.overrides()).containsEntry("otel.traces.exporter", exporters);
        assertThat(byProperty.warnings()).isEmpty();

        String variable = key.toUpperCase().replace('.', '_');
        assertThat(new ExporterSettings(NONE, Collections.singletonMap(variable, value)).configured())
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "otel.traces.exporter, none",
        "otel.traces.exporter, ' '",
        "otel.exporter.otlp.metrics.endpoint, http://c:4318",
        "otel.service.name, shop"
    })
    void areUnconfiguredByAnythingElse(String key, String value) {
        assertThat(properties(key, value).configured()).isFalse();
    }

    @Test
    void preferAPropertyToAVariable() {
        ExporterSettings settings = new ExporterSettings(
                Collections.singletonMap("otel.traces.exporter", "none"),
                Collections.singletonMap("OTEL_TRACES_EXPORTER", "otlp"));

        assertThat(settings.configured()).isFalse();
    }

    @Test
    void nameAnExporterThatIsNotThereAndUseTheOthers() {
        ExporterSettings settings = properties("otel.traces.exporter", "jaeger,otlp");

        assertThat(settings.overrides()).containsEntry("otel.traces.exporter", "otlp");
        assertThat(settings.warnings())
                .containsExactly("otel.traces.exporter=jaeger,otlp: for spans of waits the agent has otlp, zipkin,"
                        + " console and none; using otlp");
    }
}
