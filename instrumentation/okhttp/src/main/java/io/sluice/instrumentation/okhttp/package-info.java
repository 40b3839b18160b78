/**
 * OkHttp 3.0 to 5.x. Loaded by: {@code OkHttpInstrumentation} by the agent's class loader, everything else but the advice by
 * the client's; may use: the client's public types, {@code io.sluice.bridge}, {@code io.sluice.limiter} and {@code java.*}.
 */
@NullMarked
package io.sluice.instrumentation.okhttp;

import org.jspecify.annotations.NullMarked;
