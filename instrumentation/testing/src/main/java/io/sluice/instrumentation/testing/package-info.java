/**
 * Servers, proxies and the meter that the tests of every instrumentation measure with.
 *
 * <pre>
 * TestServer        an HTTP server on a raw socket; its behaviour is chosen by the request's path
 *   TestRequest     one request, as it arrived
 *   Exchange        one request and the answer to it, for a test's own {@link io.sluice.instrumentation.testing.Behaviour}
 *   TestTls         the certificate of the TLS mode, and a client's trust in it
 * TestProxy         a forward proxy: absolute-form requests and CONNECT tunnels
 * DebianProxies     squid and tinyproxy, where they are installed
 * Http2TestServer   a server that speaks HTTP/2 as well
 * AdviceRules       what is wrong with an instrumentation's advice
 * HelperClasses     which classes an instrumentation must name as helpers
 * ParkedThreads     which threads wait inside the agent
 * KernelMeter       how many connections to a port the kernel has
 * </pre>
 *
 * <p>Everything listens and connects on the loopback interface only, and runs on daemon threads.
 *
 * <p>Loaded by: the test JVM's application class loader, and that of the child programs which tests start; may use: the
 * JDK (Java 8) and Undertow. Never loaded by the agent.
 */
@NullMarked
package io.sluice.instrumentation.testing;

import org.jspecify.annotations.NullMarked;
