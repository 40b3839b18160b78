/**
 * The logic of the {@code java.net.http} instrumentation: what its advice calls. It lies in the client's own package, and
 * so in the module {@code java.net.http}, because only there it sees the client's types, none of which is public. All
 * names begin with {@code Sluice}, so that nobody takes them for the JDK's.
 *
 * <pre>
 * SluiceExchanges     the gate: an exchange asks for its lease before the client looks for a connection
 *  +- SluiceWaiting   one exchange in the queue, which goes on later on the client's executor
 * SluiceConnections   a connection is found, opened, used, returned to its pool, evicted
 *  +- SluiceOpening   a connection that may have to wait for room, or for a lease, before it connects
 * SluiceHttp2         HTTP/2 connections: active while they have a stream
 *  +- SluiceStreams   exchanges that wait and would rather have a stream
 * SluiceInternals     private members of the client's classes
 * </pre>
 *
 * <p><b>The lease</b> is taken in {@code ExchangeImpl.get} and tied to the connection at the exit of {@code
 * HttpConnection.getConnection}. From then on it ends where the connection returns to its pool, or when its channel is
 * closed, whoever closes it and why.
 *
 * <p>Loaded by: the platform class loader, into the module java.net.http; may use: {@code java.base}, the client,
 * {@code io.sluice.bridge} and {@code io.sluice.limiter}. Only members of the client that Java 11 to 27 have are named;
 * what differs is in {@link jdk.internal.net.http.SluiceInternals}.
 */
@NullMarked
package jdk.internal.net.http;

import org.jspecify.annotations.NullMarked;
