package io.sluice.instrumentation.testing;

import java.net.InetSocketAddress;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** One client object, with a pool of its own where the library has pools. Used by many threads at once. */
public interface ContractClient extends AutoCloseable {
    /** How a client is to be made. */
    final class Setup {
        private final @Nullable InetSocketAddress proxy;
        private final @Nullable SSLContext tls;

        private Setup(@Nullable InetSocketAddress proxy, @Nullable SSLContext tls) {
            this.proxy = proxy;
            this.tls = tls;
        }

        /** A direct client that trusts what the JVM trusts. */
        public static Setup plain() {
            return new Setup(null, null);
        }

        /** The same, through a forward proxy. */
        public Setup through(InetSocketAddress newProxy) {
            return new Setup(newProxy, tls);
        }

        /** The same, trusting the test server's certificate. */
        public Setup trusting(SSLContext newTls) {
            return new Setup(proxy, newTls);
        }

        /** The proxy, or null. */
        public @Nullable InetSocketAddress proxy() {
            return proxy;
        }

        /** The TLS context, or null. */
        public @Nullable SSLContext tls() {
            return tls;
        }
    }

    /**
     * Sends a GET, follows redirects, reads the body to its end and closes the response.
     *
     * @return the status code, a blank and the body
     */
    String get(String url) throws Exception;

    /** Sends a POST with this body of known length, and reads the response as {@link #get} does. */
    String post(String url, byte[] body) throws Exception;

    @Override
    void close() throws Exception;
}
