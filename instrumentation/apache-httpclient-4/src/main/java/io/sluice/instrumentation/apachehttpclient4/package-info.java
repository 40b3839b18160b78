/**
 * Apache HttpClient 4.3 to 4.5, the classic API with {@code PoolingHttpClientConnectionManager} or {@code
 * BasicHttpClientConnectionManager}.
 *
 * <pre>
 * requestConnection  ->  Asked      what the exchange will ask for; cancel() ends its wait
 * get                ->  Exchange   the lease is taken before the pool is looked into, and tied to what the pool gave
 * connect            ->  Opening    room for the socket, and the socket itself
 * releaseConnection                 the connection is idle, or was closed; then the lease goes to the next
 * shutdown, close    ->  Home       those who wait go on, to the manager's own exception
 * </pre>
 *
 * <p>The client takes and returns a connection once for each hop of a redirect and each retry, and keeps it for the
 * answer to a challenge; so the lease, too. A connection is evicted by the manager itself, under its own lock ({@link
 * io.sluice.instrumentation.apachehttpclient4.ManagerOwner}). Of httpcore only the reading of a response's head is
 * hooked: it may be in another class loader than httpclient.
 *
 * <p>Loaded by: {@code ApacheHttpClient4Instrumentation} by the agent's class loader, everything else by the client's;
 * may use: the client's public types, {@code io.sluice.bridge}, {@code io.sluice.limiter} and {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpclient4;

import org.jspecify.annotations.NullMarked;
