/**
 * The HTTP client of Reactor Netty 1.0 and later. An exchange asks for its lease when the client subscribes to a connection,
 * before the client looks into its pool; it waits as a subscription that has not begun yet, so nobody is parked. The lease
 * is held until the connection goes back to its pool or is closed. A channel is made once there is room for it.
 *
 * <pre>
 * ReactorNettyInstrumentation   the hooks, and the advice that is inlined
 *  +- ReactorNettyHooks         what the advice calls
 *      +- Acquisition           what HttpConnectionProvider.acquire was asked for
 *      |   +- GatedMono         what it returns: subscribing to it asks for the lease
 *      |   +- Exchange          the wait and the lease of one subscription; known to the pool by the Reactor context
 *      |   +- Routes            configuration and address to Ask
 *      |   +- Providers         the limits of a pool, and who waits on its behalf
 *      |   +- WaitTimeouts           the pool's own exception, with our text in its cause
 *      +- Opening               a connect that waits for room
 *      +- ChannelState          what a channel is: its connection, and who uses it
 *          +- ChannelOwner      evicts it, as a client would take it from the pool
 *          +- Claim             takes one connection from a pool, but never makes it connect
 * </pre>
 *
 * <p>Loaded by: the agent's class loader ({@code ReactorNettyInstrumentation}) and, everything else, the client's own; may
 * use: {@code java.*}, the client, Reactor, Netty, {@code io.sluice.bridge} and {@code io.sluice.limiter}.
 */
@NullMarked
package io.sluice.instrumentation.reactornetty;

import org.jspecify.annotations.NullMarked;
