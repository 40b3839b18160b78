/**
 * OkHttp 3.0 to 5.x. What gets a connection from OkHttp's pool, here <i>a call</i>, has had several shapes:
 *
 * <pre>
 *                        3.0 to 3.13         3.14 to 4.3             4.4 to 4.12              5.x
 * the call               StreamAllocation    Transmitter             RealCall                 RealCall
 * looks for a connection newStream           ExchangeFinder.find     initExchange             initExchange
 * has it                 acquire             acquireConnectionNoEvents
 * gives it back          deallocate          releaseConnectionNoEvents
 * opens a socket         RealConnection.connectSocket                                         ConnectPlan.connectSocket
 * </pre>
 *
 * <p>The lease is taken when the call looks for a connection, before the pool is looked into ({@link
 * io.sluice.instrumentation.okhttp.CallState}). It becomes the connection's when the call has that ({@link
 * io.sluice.instrumentation.okhttp.Carrier}), and goes back when the last call has left it: so further streams of HTTP/2
 * need none, and calls that wait for a lease go along as soon as there is such a connection ({@link
 * io.sluice.instrumentation.okhttp.PoolState}). A connection is evicted under the client's own locks and through its pool
 * ({@link io.sluice.instrumentation.okhttp.ConnectionEvictor}).
 *
 * <p>Loaded by: {@code OkHttpInstrumentation} by the agent's class loader, the advice by nobody, everything else by the
 * client's; may use: the client's public types, its internals by way of {@link
 * io.sluice.instrumentation.okhttp.Internals} alone, {@code io.sluice.bridge}, {@code io.sluice.limiter} and {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.okhttp;

import org.jspecify.annotations.NullMarked;
