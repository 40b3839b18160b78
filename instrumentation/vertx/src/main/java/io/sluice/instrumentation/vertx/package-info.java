/**
 * The HTTP client of Vert.x core. The lease is asked for in {@code SimpleConnectionPool.acquire}, before the client looks
 * into its pool; a request that has to wait asks the pool when the lease is granted, on its context's event loop. It is
 * held until the pool has its connection back without a further exchange on it ({@code SimpleConnectionPool.recycle}), or
 * the connection is closed. Room is taken before the connect, and given back by the channel's {@code closeFuture}.
 *
 * <pre>
 * VertxInstrumentation   the hooks; VertxAdvice is what is inlined
 *  +- VertxHooks         what the advice calls
 *      +- Exchange          a request for a pooled connection, which may have to wait for its lease
 *      +- Opening           a connect, which may have to wait for room
 *      +- PooledConnection  an open connection, and how many exchanges are on it
 *      +- ClientPool        a pool: who waits on its behalf, and which connections carry several exchanges
 *      +- Vertx3Exchange    and Vertx3Opening, Vertx3Endpoint, Vertx3Leases: the same for the pool of 3.9 and 4.0
 *      +- Owner             how an idle connection is evicted
 *      +- Targets           where a connector connects to
 *      +- Reflect           members of Vert.x that cannot be named
 * </pre>
 *
 * <p>Loaded by: the agent's class loader ({@code VertxInstrumentation}) and, everything else, the client's own; may use:
 * {@code java.*}, the client with Netty, {@code io.sluice.bridge} and {@code io.sluice.limiter}.
 */
@NullMarked
package io.sluice.instrumentation.vertx;

import org.jspecify.annotations.NullMarked;
