/**
 * Programs that the tests start in JVMs of their own, with the agent: ordinary programs that know nothing of it.
 *
 * <p>Loaded by: the system class loader of a child JVM, on Java 8 and later; may use: {@code java.*} and the clients that
 * the test puts onto the class path.
 */
package io.sluice.agent.child;
