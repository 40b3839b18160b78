package io.sluice.agent.child;

import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;

/**
 * Another client within a span of the program's own OpenTelemetry, whose exporter prints each span as {@code [span name]
 * trace=... id=... parent=... kind=... attributes=...}.
 */
public final class TracedClient implements Client {
    static {
        OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .addSpanProcessor(SimpleSpanProcessor.create(new Printer()))
                        .build())
                .buildAndRegisterGlobal();
    }

    private final Client client;

    public TracedClient(ClientSpec spec) {
        client = ClientSpec.client(spec.wrapped());
    }

    @Override
    public Answer get(String url) throws Exception {
        Span span =
                GlobalOpenTelemetry.getTracer("program").spanBuilder("program").startSpan();
        try (Scope current = span.makeCurrent()) {
            return client.get(url);
        } finally {
            span.end();
        }
    }

    private static final class Printer implements SpanExporter {
        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            for (SpanData span : spans) {
                HttpCommands.print("[span " + span.getName() + "] trace=" + span.getTraceId() + " id="
                        + span.getSpanId() + " parent=" + span.getParentSpanId() + " kind=" + span.getKind()
                        + " attributes=" + span.getAttributes());
            }
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
