/**
 * AsyncHttpClient 2 and 3 ({@code org.asynchttpclient}), over Netty.
 *
 * <pre>
 * NettyRequestSender.getOpenChannel              the lease is asked for, before the client looks into its pool
 * NettyRequestSender.sendRequestWithOpenChannel  a pooled connection is used
 * NettyRequestSender.sendRequestWithNewChannel   the wait, for the lease and for room
 * NettyRequestSender.sendRequest                 an exchange that failed on its way leaves nothing behind
 * NettyChannelConnector.connect                  the last moment to turn back
 * NettyConnectListener                           which channel is which connection
 * ChannelManager.tryToOfferChannelToPool         the connection is idle; the lease goes to the next
 * ChannelManager.registerHttp2Connection         HTTP/2, since 3.0.8: others may join
 * ChannelManager.close                           whoever waits goes on to the client's own failure
 * HttpHandler.handleHttpResponse                 the HTTP version
 * </pre>
 *
 * <p>A lease lasts until the channel is offered to the pool or closed; with HTTP/2 until its last stream has ended. An
 * exchange that waits is begun again, where the client's own code runs, when it has its lease and when there is room; no
 * thread of the client's is ever parked.
 *
 * <p>Loaded by: the instrumentation by the agent's class loader, all else by the client's; may use: the client's public
 * types, Netty's, {@code io.sluice.bridge} and the public types of {@code io.sluice.limiter}.
 */
@NullMarked
package io.sluice.instrumentation.asynchttpclient;

import org.jspecify.annotations.NullMarked;
