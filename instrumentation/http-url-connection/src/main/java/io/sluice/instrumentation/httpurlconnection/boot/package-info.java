/**
 * What {@code HttpURLConnection}'s advice does; beside the client it belongs to, in the bootstrap loader.
 *
 * <p>Loaded by: the bootstrap class loader; may use: {@code io.sluice.bridge}, {@code io.sluice.limiter}, {@code java.*} and
 * the packages {@code sun.net}, {@code sun.net.www}, {@code sun.net.www.http} of java.base, which the weaver opens to it;
 * no lambdas.
 */
@NullMarked
package io.sluice.instrumentation.httpurlconnection.boot;

import org.jspecify.annotations.NullMarked;
