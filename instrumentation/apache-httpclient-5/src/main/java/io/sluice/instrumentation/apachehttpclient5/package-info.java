/**
 * Apache HttpClient 5.0 and later, classic. The lease is asked for in {@code HttpClientConnectionManager.lease} and waited
 * for in {@code LeaseRequest.get}, both before the client looks into its pool. It is held until the endpoint goes back by
 * {@code HttpClientConnectionManager.release}: when the response was read to its end or closed, or the exchange failed.
 *
 * <pre>
 * ApacheHttpClient5Instrumentation   the hooks, and the advice that is inlined
 *  +- ClassicHooks                   what the advice calls
 *      +- GatedLeaseRequest          what the client waits on instead of its own LeaseRequest
 *      +- ClassicExchange            the lease of an endpoint, and where its connection is kept
 *      +- Exchanges                  all of them; takes back what the program has lost
 *      +- Routes                     HttpRoute to Ask; for the asynchronous client, too
 *      +- ManagerState               who waits on behalf of a manager, until it is closed
 *      +- Handle                     where a connection is kept, and how it is closed from outside
 *          +- PooledHandle           in a pool of whatever concurrency policy
 *          +- BasicHandle            in a BasicHttpClientConnectionManager
 *          +- HandleOwner            the limiter's view of them
 * </pre>
 *
 * <p>Loaded by: the agent's class loader ({@code ApacheHttpClient5Instrumentation}) and, everything else, the client's own;
 * may use: {@code java.*}, the client, {@code io.sluice.bridge} and {@code io.sluice.limiter}.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpclient5;

import org.jspecify.annotations.NullMarked;
