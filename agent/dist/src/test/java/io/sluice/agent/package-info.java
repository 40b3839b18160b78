/**
 * The third ring of tests: the built jar under real JVMs.
 *
 * <pre>
 * *IT        the tests; run in the JVM of the build, which never loads the agent
 *  +- Jdk        the JVMs to test on
 *  +- ChildJvm   starts a program of child/ on one of them, with the agent
 *  |   +- HttpProgram    the one that does HTTP as the test says, with every client
 *  +- Answers    the servers, in the test's JVM, where the kernel is asked about their connections
 *  +- SpanCollector      receives what the agent sends
 * child/     the programs; they run on Java 8 and know nothing of the agent or of the tests
 * </pre>
 *
 * <p>Child programs that need Java 11 lie in {@code src/test/java11}.
 *
 * <p>Loaded by: the system class loader of the build's test JVM; may use: everything.
 */
package io.sluice.agent;
