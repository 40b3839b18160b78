/**
 * Libraries that build on the clients that the agent knows. They need nothing of the agent: what they use below is limited,
 * and with it they are.
 *
 * <p>Loaded by: a test JVM with the agent on its command line; may use: the libraries, and the servers and the meter of
 * {@code instrumentation/testing}.
 */
@NullMarked
package io.sluice.libraries;

import org.jspecify.annotations.NullMarked;
