package io.sluice.telemetry;

import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextStorage;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;

/** Compiled against the newest OpenTelemetry, but uses only what 1.0 has, so that a {@link ProgramLoader} can give it either. */
public final class OpenTelemetryProgram implements Program, SpanExporter {
    private static final String SCOPE = "the program";

    private final List<SpanData> exported = new CopyOnWriteArrayList<>();
    private OpenTelemetrySdk sdk;

    @Override
    public void setUpSdk(boolean global) {
        sdk = OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .addSpanProcessor(SimpleSpanProcessor.create(this))
                        .build())
                .build();
        if (global) {
            GlobalOpenTelemetry.set(sdk);
        }
    }

    @Override
    public void setGlobalToNoop() {
        OpenTelemetry unused = GlobalOpenTelemetry.get();
    }

    @Override
    public String inSpan(Runnable action) {
        Tracer tracer = sdk.getTracer(SCOPE);
        Span span = tracer.spanBuilder("GET").startSpan();
        try (Scope scope = span.makeCurrent()) {
            action.run();
        } finally {
            span.end();
        }
        SpanContext context = span.getSpanContext();
        return "00-" + context.getTraceId() + "-" + context.getSpanId() + "-01";
    }

    @Override
    public void inNoSpan(Runnable action) {
        try (Scope scope = Context.root().makeCurrent()) {
            action.run();
        }
    }

    @Override
    public void asExporter(Runnable action) {
        io.opentelemetry.api.impl.InstrumentationUtil.suppressInstrumentation(action);
    }

    @Override
    public boolean storageCanStillBeWrapped() {
        AtomicBoolean wrapped = new AtomicBoolean();
        ContextStorage.addWrapper(storage -> {
            wrapped.set(true);
            return storage;
        });
        Context.current();
        return wrapped.get();
    }

    @Override
    public List<Map<String, Object>> finishedSpans() {
        List<Map<String, Object>> spans = new ArrayList<>();
        for (SpanData data : exported) {
            if (data.getName().equals("GET")) {
                continue;
            }
            Map<String, Object> attributes = new HashMap<>();
            data.getAttributes().forEach((key, value) -> attributes.put(key.getKey(), value));
            Map<String, Object> span = new HashMap<>();
            span.put("name", data.getName());
            span.put("kind", data.getKind().name());
            span.put("start", data.getStartEpochNanos());
            span.put("end", data.getEndEpochNanos());
            span.put("traceId", data.getTraceId());
            span.put("parent", data.getParentSpanId());
            span.put("status", data.getStatus().getStatusCode().name());
            span.put("scope", data.getInstrumentationLibraryInfo().getName());
            span.put("attributes", attributes);
            spans.add(span);
        }
        return spans;
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
        exported.addAll(spans);
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
