/**
 * Apache HttpAsyncClient 4.0 to 4.1, by the pool and the connecting reactor of HttpCore NIO 4.3 and 4.4, on which all its
 * connection managers are built. The lease is asked for in {@code AbstractNIOConnPool.lease}, before the pool is looked
 * into; the pool is asked again when it is granted. It is held until the entry goes back by {@code release}: when the
 * response was read to its end, or the exchange failed, or its connection was closed.
 *
 * <pre>
 * ApacheHttpAsyncClient4Instrumentation   the hooks, and the advice that is inlined
 *  +- PoolHooks                           what the advice on the pool calls
 *  |   +- LeasedRequest                   what a client has instead of the pool's own future
 *  |   +- PoolState                       who waits on behalf of a pool, until it is shut down
 *  |   +- Routes                          route to Ask
 *  +- Connects                            what the advice on reactor and connections calls
 *      +- Ticket                          on whose behalf a pool may open a connection
 *      +- CountedRequest                  what the reactor has instead of its own request to connect
 *      +- Kept                            an entry of a pool: whose it is, and how it is closed from outside
 *          +- KeptOwner                   the limiter's view of them
 * </pre>
 *
 * <p>Loaded by: the agent's class loader ({@code ApacheHttpAsyncClient4Instrumentation}) and, everything else, the client's
 * own; may use: {@code java.*}, the client, {@code io.sluice.bridge} and {@code io.sluice.limiter}.
 */
@NullMarked
package io.sluice.instrumentation.apachehttpasyncclient4;

import org.jspecify.annotations.NullMarked;
