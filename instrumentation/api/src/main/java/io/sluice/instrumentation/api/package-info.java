/**
 * What an instrumentation of a client library says about itself: which methods of which classes are hooked, and by
 * which advice. It is all names and no code, so that asking costs next to nothing at start-up.
 *
 * <pre>
 * ClientInstrumentation   one client library; found by java.util.ServiceLoader
 *  +- Hook                one method, and the advice that is inlined into it
 * </pre>
 *
 * <p>Loaded by: the agent's own class loader; may use: {@code java.*} only, and no lambdas, since this runs in premain.
 */
@NullMarked
package io.sluice.instrumentation.api;

import org.jspecify.annotations.NullMarked;
