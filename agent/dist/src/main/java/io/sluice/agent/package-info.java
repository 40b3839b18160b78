/**
 * The door of the agent jar: what a JVM calls for {@code -javaagent} and for an attach, and the class loader of
 * everything behind it.
 *
 * <pre>
 * Agent                the entry points; finds the jar, starts the installer once in a JVM, never throws
 *  +- AgentClassLoader reads the agent's other classes from inst/ in the jar, hidden from the program
 * </pre>
 *
 * <p>Loaded by: the bootstrap class loader, which the jar's {@code Boot-Class-Path} extends (by the system class loader
 * for a moment, if the jar was renamed); may use: {@code java.*} only, and there neither {@code java.util.logging},
 * {@code java.nio.file}, JMX nor lambdas, because it runs before the program has chosen its log manager, its file
 * systems and its MBean server.
 */
@NullMarked
package io.sluice.agent;

import org.jspecify.annotations.NullMarked;
