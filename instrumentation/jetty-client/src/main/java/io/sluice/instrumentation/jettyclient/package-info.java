/**
 * Jetty's {@code HttpClient} 9.4 to 12.1, all transports.
 *
 * <p>The lease opens when an exchange joins the queue of its destination, where the client would let it wait for a
 * connection, and closes when the connection goes back to its pool, when an HTTP/2 connection has no stream left, or when
 * the socket is closed. Nobody's thread is parked: an exchange stays in the client's queue until it has its lease, and then
 * goes on, on the client's own executor. The connection is counted from {@code HttpDestination.newConnection} to the closing
 * of its channel.
 *
 * <pre>
 * ExchangeQueue      the queue of a destination: joining it asks, leaving it needs a lease
 * QueuedExchange     one exchange in it
 * LeaseWait          its wait
 * Openings, Opening  the connections that a destination wants to open, and one of them
 * ConnectionUse      who uses an open connection
 * ConnectionCloser   closes idle ones for others
 * JettyTypes         the client's types that moved with 12
 * </pre>
 *
 * <p>Loaded by: the agent's own class loader (the instrumentation), the client's (everything else); may use: the client's
 * public types, {@code io.sluice.bridge}, {@code io.sluice.limiter}, and {@code io.sluice.instrumentation.api} and Byte
 * Buddy's annotations in the instrumentation.
 */
@NullMarked
package io.sluice.instrumentation.jettyclient;

import org.jspecify.annotations.NullMarked;
