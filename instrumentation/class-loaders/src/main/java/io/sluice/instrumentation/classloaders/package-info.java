/**
 * Lets class loaders that hide the bootstrap loader's packages from their classes show those of ours. OSGi frameworks
 * and JBoss Modules give a class {@code java.*} and what its bundle or module imports, so that a woven client in a bundle
 * would get {@code NoClassDefFoundError}. Their {@code loadClass} answers for the packages that woven code names; no
 * lease is opened or closed here.
 *
 * <p>Loaded by: the agent's own class loader; may use: {@code io.sluice.instrumentation.api}, Byte Buddy's annotations,
 * and in advice {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.classloaders;

import org.jspecify.annotations.NullMarked;
