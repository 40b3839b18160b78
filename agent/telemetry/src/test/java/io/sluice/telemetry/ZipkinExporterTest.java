package io.sluice.telemetry;

import static io.sluice.limiter.Waits.aWait;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.limiter.Wait;
import io.sluice.limiter.Waits;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(60)
class ZipkinExporterTest {
    @RegisterExtension
    final OtelProperties properties = new OtelProperties();

    private final List<String> warnings = new CopyOnWriteArrayList<>();

    private JsonNode sent(Waits wait) throws IOException {
        try (Collector zipkin = new Collector(202)) {
            properties
                    .set("otel.traces.exporter", "zipkin")
                    .set("otel.exporter.zipkin.endpoint", zipkin.url() + "/api/v2/spans");
            WaitSpans spans = WaitSpans.create(warnings::add, Runnable::run);
            spans.ended(wait.build());
            assertThat(spans.flush(20_000)).isTrue();

            assertThat(zipkin.received).singleElement().satisfies(request -> {
                assertThat(request.path).isEqualTo("/api/v2/spans");
                assertThat(request.headers).containsEntry("content-type", "application/json");
            });
            JsonNode list = new ObjectMapper().readTree(zipkin.received.get(0).body);
            assertThat(list).hasSize(1);
            return list.get(0);
        }
    }

    @Test
    void sendsAWaitAsZipkinHasIt() throws IOException {
        properties.set("otel.service.name", "a \"quoted\" \\ \t name of übergröße");
        JsonNode span = sent(aWait().traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));

        assertThat(span.get("traceId").asText()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
        assertThat(span.get("parentId").asText()).isEqualTo("b7ad6b7169203331");
        assertThat(span.get("id").asText()).matches("[0-9a-f]{16}").isNotEqualTo("b7ad6b7169203331");
        assertThat(span.get("name").asText()).isEqualTo("HTTP wait_for_connection api.example.com:8080");
        assertThat(span.get("timestamp").asLong()).isEqualTo(Waits.START_EPOCH_NANOS / 1000);
        assertThat(span.get("duration").asLong()).isEqualTo(Waits.DURATION_NANOS / 1000);
        assertThat(span.has("kind")).isFalse();
        assertThat(span.get("localEndpoint").get("serviceName").asText())
                .isEqualTo("a \"quoted\" \\ \t name of übergröße");
        assertThat(span.get("tags").get("server.port").asText()).isEqualTo("8080");
        assertThat(span.get("tags").get("sluice.client").asText()).isEqualTo("apache-httpclient-4");
        assertThat(span.get("tags").get("otel.scope.name").asText()).isEqualTo("io.sluice");
        assertThat(span.get("tags").has("error")).isFalse();
        assertThat(warnings).isEmpty();
    }

    @Test
    void marksAWaitThatGaveUp() throws IOException {
        JsonNode span = sent(aWait().outcome(Wait.Outcome.TIMEOUT));

        assertThat(span.has("parentId")).isFalse();
        assertThat(span.get("tags").get("error").asText()).isEqualTo("timeout");
        assertThat(span.get("tags").get("error.type").asText()).isEqualTo("timeout");
        assertThat(span.get("tags").get("otel.status_code").asText()).isEqualTo("ERROR");
    }

    @Test
    void warnsOnceOfAnEndpointThatIsNoUrl() {
        properties.set("otel.traces.exporter", "zipkin").set("otel.exporter.zipkin.endpoint", "zipkin:9411");
        WaitSpans spans = WaitSpans.create(warnings::add, Runnable::run);
        spans.ended(aWait().build());
        spans.ended(aWait().build());
        assertThat(spans.flush(20_000)).isTrue();

        assertThat(warnings).singleElement().asString().contains("otel.exporter.zipkin.endpoint=zipkin:9411");
    }
}
