/**
 * {@code HttpURLConnection} and {@code HttpsURLConnection} of JDK 8 to 27.
 *
 * <p>The lease opens in {@code HttpClient.New} and {@code HttpsClient.New}, before they look into the keep-alive cache, and
 * closes when the connection goes back into the cache or its socket is closed, whichever comes first: nothing else in this
 * client tells that an exchange is over. Its connection is counted from {@code NetworkClient.doConnect} to the closing of
 * the socket.
 *
 * <p>Loaded by: the agent's own class loader; may use: {@code io.sluice.instrumentation.api}, Byte Buddy's annotations, and
 * in advice {@code java.*}, {@code io.sluice.bridge} and the hooks in {@code boot}.
 */
@NullMarked
package io.sluice.instrumentation.httpurlconnection;

import org.jspecify.annotations.NullMarked;
