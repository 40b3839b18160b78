/**
 * Apache HttpClient 4.0 to 4.2, {@code DefaultHttpClient} and its four connection managers, which the jars of 4.3 to 4.5
 * contain too, deprecated, beside what took their place.
 *
 * <pre>
 * requestConnection      ->  Asked      what the exchange will ask for; abortRequest() ends its wait
 * getConnection          ->  Exchange   the lease is taken before the pool is looked into, and tied to what the pool gave
 * ManagedClientConnection.open          room for the socket, and the socket itself
 * releaseConnection                     the connection is idle, or was closed; then the lease goes to the next
 * shutdown               ->  Home       those who wait go on, to what the manager itself would show them
 * </pre>
 *
 * <p>The client takes and returns a connection once for each hop of a redirect, and keeps it for the answer to a challenge
 * and for its retries; so the lease, too. Evicted is under a lock that the leasing of a connection takes as well ({@link
 * io.sluice.instrumentation.apachehttpclient40.ManagedConnection}).
 *
 * <p>{@code PoolingClientConnectionManager} and {@code BasicClientConnectionManager} came with 4.2: what names their types,
 * or those of httpcore 4.2, is in {@link io.sluice.instrumentation.apachehttpclient40.Since42}, which 4.0 and 4.1 never
 * come to.
 *
 * <p>Loaded by: {@code ApacheHttpClient40Instrumentation} by the agent's class loader, everything else by the client's;
 * may use: the client's public types, {@code io.sluice.bridge}, {@code io.sluice.limiter} and {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpclient40;

import org.jspecify.annotations.NullMarked;
