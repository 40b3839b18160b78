/**
 * Apache HttpClient 5.0 and later, asynchronous. The lease is asked for in {@code
 * PoolingAsyncClientConnectionManager.lease}, before the client looks into its pool. Where it has to be waited for, the
 * client gets a future of ours, and the manager's own method is called again in the background when the lease is there; no
 * thread waits. The lease is held until the endpoint goes back by {@code release}: when the response was read to its end, or
 * the exchange failed or was cancelled.
 *
 * <pre>
 * ApacheHttpClient5AsyncInstrumentation   the hooks, and the advice that is inlined
 *  +- AsyncHooks                          what the advice on the client calls
 *  |   +- GatedLease, LeaseCall           an exchange that asks for an endpoint, and the call to be made again
 *  |   +- GatedConnect, ConnectCall       an endpoint that is being connected, and the call to be made again
 *  |   +- AsyncExchange                   what is known of an endpoint; Exchanges: all of them, and those that were lost
 *  |   +- ManagerState                    who waits on behalf of a manager, and what its pool shares
 *  |   +- Routes                          HttpRoute to Ask
 *  |   +- Handle                          where a connection is kept, who uses it, and how it is closed from outside
 *  |       +- PooledHandle                in a pool of whatever concurrency policy
 *  |       +- HandleOwner                 the limiter's view of them
 *  +- ReactorHooks                        what the advice on HttpCore calls: which channel is which connection
 * </pre>
 *
 * <p>Loaded by: the agent's class loader ({@code ApacheHttpClient5AsyncInstrumentation}) and, everything else, those of the
 * client and of HttpCore, which may be two; may use: {@code java.*}, the client, {@code io.sluice.bridge} and {@code
 * io.sluice.limiter}; {@code ReactorHooks} only HttpCore instead of the client.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpclient5async;

import org.jspecify.annotations.NullMarked;
