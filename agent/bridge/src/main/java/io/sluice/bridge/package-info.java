/**
 * The door through which woven clients reach the limiter. Advice and the helper classes beside the clients call it; it
 * knows no client.
 *
 * <pre>
 * ConnectionGate    asks for leases and for room to open connections; fails open
 * Refusal           what an advice returns instead of a lease: skips the client's method, carries its exception
 * Sockets           which open socket is which connection; told by java.net.Socket and the NIO channels
 * WeakMap           remembers something about an object of the client without keeping it alive
 * Background        the agent's few daemon threads
 * Exempt            the agent's own requests, which nobody limits
 * FailOpen          where our own faults go
 * Ready             the sockets' classes are woven
 * </pre>
 *
 * <p>Loaded by: the bootstrap class loader; may use: {@code io.sluice.limiter} and {@code java.*}, but neither {@code
 * java.util.logging}, {@code java.nio.file} nor lambdas.
 */
@NullMarked
package io.sluice.bridge;

import org.jspecify.annotations.NullMarked;
