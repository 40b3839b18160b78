/**
 * Apache Commons HttpClient 3.0 and 3.1 with {@code MultiThreadedHttpConnectionManager} or {@code
 * SimpleHttpConnectionManager}.
 *
 * <pre>
 * doGetConnection, getConnectionWithTimeout   the lease is taken before the manager looks for a connection
 * HttpConnection.open                         room for the socket, and the socket itself
 * freeConnection, releaseConnection           the connection is idle, or was closed; then the lease goes to the next
 * HttpConnection.closeSocketAndStreams        the room goes back
 * shutdown                                    those who wait go on, to the manager's own exception
 * </pre>
 *
 * <p>A lease lasts from the manager's giving out of a connection to its taking it back: the answer to a challenge, a
 * redirect on the same host and the client's own retries share it, as they share the connection. The simple manager
 * gives out its one connection again though it never came back: the lease before ends then. It knows no locks, so that a
 * connection is claimed and evicted under the lock of what is known of it ({@link
 * io.sluice.instrumentation.apachehttpclient3.ManagedConnection}); a closed connection may stay in either manager, as the
 * client looks and opens it again.
 *
 * <p>Nothing of the client's is held strongly: the pool counts on the collector to tell which connections are lost.
 *
 * <p>Loaded by: {@code ApacheHttpClient3Instrumentation} by the agent's class loader, everything else by the client's;
 * may use: the client's public types, {@code io.sluice.bridge}, {@code io.sluice.limiter} and {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpclient3;

import org.jspecify.annotations.NullMarked;
