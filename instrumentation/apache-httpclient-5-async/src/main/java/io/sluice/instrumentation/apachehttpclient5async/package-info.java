/**
 * Apache HttpClient 5.0 and later, asynchronous. The lease is asked for in {@code
 * PoolingAsyncClientConnectionManager.lease}, before the client looks into its pool. Where it has to be waited for, the
 * client gets a future of ours, and the manager's own method is called again in the background when the lease is there; no
 * thread waits. The lease is held until the endpoint goes back by {@code release}: when the response was read to its end, or
 * the exchange failed or was cancelled. The clients that speak HTTP/2 only have no such manager: there it is asked for in
 * {@code AbstractIOSessionPool.getSession}, and held until nobody uses the session any more.
 *
 * <pre>
 * ApacheHttpClient5AsyncInstrumentation   the hooks, and the advice on the connection manager
 *  +- AsyncHooks                          what that advice calls
 *  |   +- GatedLease, LeaseCall           an exchange that asks for an endpoint, and the call to be made again
 *  |   +- ConnectCall                     an endpoint that is being connected
 *  |   +- AsyncExchange                   what is known of an endpoint; Exchanges: all of them, and those that were lost
 *  |   +- ManagerState                    who waits on behalf of a manager, and what its pool shares
 *  |   +- PooledHandle                    a connection in a pool of whatever concurrency policy
 *  +- SessionAdvice, SessionHooks         the same for the clients that speak HTTP/2 only
 *  |   +- GatedSession                    an exchange that asks for the session of its host
 *  |   +- SessionExchange                 one user of a session; CountedHandler tells the end of a minimal client's
 *  |   +- SessionOpener                   a session that is being opened
 *  |   +- SessionHandle                   the session of a host
 *  +- ReactorAdvice, ReactorHooks         HttpCore: which channel is which connection, and what it answers
 * Gated                                   the wait for a lease;  GatedConnect, Opener: that for a connection's room
 * Handle                                  where a connection is kept, who uses it, how it is closed from outside
 *  +- HandleOwner                         the limiter's view of them
 * Routes                                  HttpRoute to Ask
 * </pre>
 *
 * <p>Loaded by: the agent's class loader ({@code ApacheHttpClient5AsyncInstrumentation} and advice) and, everything else,
 * those of the client and of HttpCore, which may be two; may use: {@code java.*}, the client, {@code io.sluice.bridge} and
 * {@code io.sluice.limiter}; {@code ReactorHooks} only HttpCore instead of the client.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpclient5async;

import org.jspecify.annotations.NullMarked;
