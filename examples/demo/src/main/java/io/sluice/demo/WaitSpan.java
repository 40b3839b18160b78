package io.sluice.demo;

import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** A received span; the times are nanoseconds since the epoch, the attributes are in the order of their names. */
record WaitSpan(
        String name, String kind, long startNanos, long endNanos, Map<String, String> attributes, String service) {
    static final Comparator<WaitSpan> BY_END = Comparator.comparingLong(WaitSpan::endNanos);
    static final Comparator<WaitSpan> BY_DURATION = Comparator.comparingLong(WaitSpan::durationNanos);

    static WaitSpan of(Span span, List<KeyValue> resource) {
        return new WaitSpan(
                span.getName(),
                span.getKind().name().replace("SPAN_KIND_", ""),
                span.getStartTimeUnixNano(),
                span.getEndTimeUnixNano(),
                texts(span.getAttributesList()),
                texts(resource).getOrDefault("service.name", ""));
    }

    /** How long the exchange waited. */
    long durationNanos() {
        return endNanos - startNanos;
    }

    long durationMillis() {
        return TimeUnit.NANOSECONDS.toMillis(durationNanos());
    }

    /** The HTTP client that waited, as Sluice calls it; empty if the span does not tell. */
    String client() {
        return attributes.getOrDefault("sluice.client", "");
    }

    private static Map<String, String> texts(List<KeyValue> attributes) {
        Map<String, String> texts = new TreeMap<>();
        for (KeyValue attribute : attributes) {
            texts.put(attribute.getKey(), text(attribute.getValue()));
        }
        return texts;
    }

    private static String text(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue();
            case INT_VALUE -> Long.toString(value.getIntValue());
            case BOOL_VALUE -> Boolean.toString(value.getBoolValue());
            case DOUBLE_VALUE -> Double.toString(value.getDoubleValue());
            default -> value.toString();
        };
    }
}
