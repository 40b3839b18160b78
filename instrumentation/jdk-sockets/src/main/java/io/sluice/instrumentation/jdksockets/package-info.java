/**
 * The one place where every client's connection ends: {@code java.net.Socket} for those that block, {@code
 * sun.nio.ch.SocketChannelImpl} for those that do not. Woven once any client is; says which socket is which connection,
 * and when one is really closed.
 *
 * <p>Loaded by: the agent's own class loader; may use: {@code io.sluice.instrumentation.api}, Byte Buddy's annotations,
 * and in advice {@code io.sluice.bridge} and {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.jdksockets;

import org.jspecify.annotations.NullMarked;
