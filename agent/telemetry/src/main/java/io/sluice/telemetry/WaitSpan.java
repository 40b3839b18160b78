package io.sluice.telemetry;

import io.sluice.limiter.Destination;
import io.sluice.limiter.Wait;
import java.util.LinkedHashMap;
import java.util.Map;

/** A wait as a span: its name, its times and its attributes, in the form that {@link OpenTelemetryBridge#test} reads. */
final class WaitSpan {
    private WaitSpan() {}

    /**
     * The description of a wait, without a parent. Name and common attributes are those of .NET's span for the same event
     * and of OpenTelemetry's semantic conventions; {@code sluice.*} are ours. Nothing of the URL but scheme, host and port.
     */
    static Map<String, Object> of(Wait wait) {
        String errorType = wait.outcome().errorType();
        Map<String, Object> span = new LinkedHashMap<>();
        span.put(OpenTelemetryBridge.NAME, "HTTP wait_for_connection " + authority(wait.server()));
        span.put(OpenTelemetryBridge.START_EPOCH_NANOS, wait.startEpochNanos());
        span.put(OpenTelemetryBridge.END_EPOCH_NANOS, wait.startEpochNanos() + wait.durationNanos());
        span.put(OpenTelemetryBridge.ERROR, errorType != null);

        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("server.address", wait.server().host());
        attributes.put("server.port", (long) wait.server().port());
        attributes.put("url.scheme", wait.server().scheme());
        if (errorType != null) {
            attributes.put("error.type", errorType);
        }
        attributes.put("sluice.limit.kind", wait.limitKind());
        if (wait.limit() != Integer.MAX_VALUE) { // that is: unlimited
            attributes.put("sluice.limit", (long) wait.limit());
        }
        attributes.put("sluice.pending", (long) wait.pending());
        attributes.put("sluice.client", wait.client());
        Destination proxy = wait.proxy();
        if (proxy != null) {
            attributes.put("network.peer.address", proxy.host());
            attributes.put("network.peer.port", (long) proxy.port());
        }
        span.put(OpenTelemetryBridge.ATTRIBUTES, attributes);
        return span;
    }

    private static String authority(Destination server) {
        String host = server.host();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + server.port();
    }
}
