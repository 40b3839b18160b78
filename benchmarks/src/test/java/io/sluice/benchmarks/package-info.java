/**
 * That the benchmarks work; what they measure is no matter of a build.
 *
 * <p>Loaded by: the application class loader; may use: anything.
 */
@NullMarked
package io.sluice.benchmarks;

import org.jspecify.annotations.NullMarked;
