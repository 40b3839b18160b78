/**
 * Tells the world about waits: every {@link io.sluice.limiter.Wait} becomes one OpenTelemetry span.
 *
 * <pre>
 * WaitSpans                what the installer creates; listens to the limiter
 *  +- TelemetryThread      the one thread on which all of this package's work is done
 *  +- WaitSpan             a Wait as name, times and attributes
 *  +- ProgramApis          the copies of opentelemetry-api that the program has
 *  |   +- ProgramApi       one such copy
 *  +- EmbeddedSdk          the SDK inside the agent, where the user set an exporter
 *  |   +- ExporterSettings whether and how the user did
 *  |   +- EmbeddedComponents  its parts: UrlConnectionSender, ZipkinExporter, ConsoleExporter
 *  |   +- QuietLoggers     keeps its log records off the program's handlers
 *  +- OpenTelemetryBridge  speaks to one copy of opentelemetry-api; see there for its class loaders
 * </pre>
 *
 * <p>Loaded by: the agent's class loader, with the one exception of {@link io.sluice.telemetry.OpenTelemetryBridge},
 * which is also defined next to every copy of the API that the program has. May use: {@code java.*},
 * {@code io.sluice.limiter}, OpenTelemetry. The constructors run in premain: there no lambdas, no
 * {@code java.util.logging} and no class of OpenTelemetry.
 */
@NullMarked
package io.sluice.telemetry;

import org.jspecify.annotations.NullMarked;
