/**
 * Shows in the terminal what the agent does to a program that knows nothing of it.
 *
 * <pre>
 * Demo             main: the report job without and with the agent, and what must be true of both
 *   Partner        the slow server that the job talks to, with the kernel's count of its connections
 *   JobRun         the job in a JVM of its own
 *   SpanReceiver   an OTLP endpoint, where the agent's spans arrive
 *     WaitSpan     one of them
 *   Report         all that is printed
 *     Timeline     who waited when
 * </pre>
 *
 * <p>Everything listens and connects on the loopback interface only.
 *
 * <p>Loaded by: the application class loader of a JVM without the agent; may use: the JDK (Java 17), the servers of
 * {@code instrumentation/testing}, the protobuf classes of OpenTelemetry's protocol.
 */
@NullMarked
package io.sluice.demo;

import org.jspecify.annotations.NullMarked;
