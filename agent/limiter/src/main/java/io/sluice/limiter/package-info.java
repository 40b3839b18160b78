/**
 * Who may connect now, and who waits: the domain of Sluice, free of agents, libraries and telemetry.
 *
 * <pre>
 * LimiterTable            all limiters of a JVM; the door for everybody outside this package
 *  +- Limits              the settings, immutable; replaced as a whole
 *  +- ConnectionLimiter   one destination: its leases, its open connections, its queue
 *      +- Destination     a server, a proxy, or all connections of the JVM
 *      +- Lease           the right of one exchange to be under way
 *      +- Connection      one open socket: leased, idle or being evicted
 *      +- Wait            one stay in a queue; told to a WaitListener
 * </pre>
 *
 * <p>Loaded by: the bootstrap class loader; may use: {@code java.*} only, and there neither
 * {@code java.util.logging}, {@code java.nio.file} nor lambdas.
 */
@NullMarked
package io.sluice.limiter;

import org.jspecify.annotations.NullMarked;
