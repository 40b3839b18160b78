/**
 * {@code java.net.http.HttpClient} of JDK 11 to 27, HTTP/1.1, HTTP/2 and WebSocket.
 *
 * <p>The lease opens in {@code ExchangeImpl.get}, before the client looks into its pools, and goes over to the connection
 * that the client finds or makes. It closes when the connection returns to the pool, when an HTTP/2 connection has no
 * stream left, or when the channel is closed, whichever comes first. Nobody's thread is parked: an exchange that must wait
 * gets a future instead and goes on later on the client's own executor. The connection is counted from the moment it is
 * made to the closing of its channel.
 *
 * <p>The hooks are in {@code jdk.internal.net.http}, see there: the client is in a named module, and none of the types that
 * matter is public.
 *
 * <p>Loaded by: the agent's own class loader, on Java 8, too; may use: {@code io.sluice.instrumentation.api}, Byte Buddy's
 * annotations, and in advice {@code java.*} and the hooks.
 */
@NullMarked
package io.sluice.instrumentation.javahttpclient;

import org.jspecify.annotations.NullMarked;
