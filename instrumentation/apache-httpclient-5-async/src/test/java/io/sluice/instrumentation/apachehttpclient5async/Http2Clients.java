package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.instrumentation.testing.TestTls;
import java.lang.reflect.Method;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.nio.ssl.TlsStrategy;
import org.apache.hc.core5.http2.HttpVersionPolicy;
import org.apache.hc.core5.http2.config.H2Config;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.reactor.IOReactorConfig;
import org.jspecify.annotations.Nullable;

/** Makes clients of HTTP/2 with what 5.0 and the newest version have in common. */
@SuppressWarnings("deprecation") // what 5.0 has
final class Http2Clients {
    private Http2Clients() {}

    private static TlsStrategy tls() {
        return ClientTlsStrategyBuilder.create()
                .setSslContext(TestTls.clientContext())
                .build();
    }

    /** Null where the client on the class path does not have it. */
    static @Nullable CloseableHttpAsyncClient client(Http2Test.Kind kind) throws Exception {
        switch (kind) {
            case HTTP2_ONLY:
                return HttpAsyncClients.customHttp2().setTlsStrategy(tls()).build();
            case MINIMAL_HTTP2:
                return HttpAsyncClients.createHttp2Minimal(H2Config.DEFAULT, IOReactorConfig.DEFAULT, tls());
            default:
                return sharing();
        }
    }

    private static PoolingAsyncClientConnectionManagerBuilder managers() {
        return TestClients.managers(PoolConcurrencyPolicy.STRICT, TestTls.clientContext());
    }

    /** A client with a pool whose exchanges share connections; null before 5.5. */
    private static @Nullable CloseableHttpAsyncClient sharing() throws Exception {
        PoolingAsyncClientConnectionManagerBuilder builder = managers();
        try {
            Method multiplexing = builder.getClass().getMethod("setMessageMultiplexing", boolean.class);
            multiplexing.invoke(builder, true);
        } catch (NoSuchMethodException olderVersion) {
            return null;
        }
        return pooling(builder.build(), HttpVersionPolicy.NEGOTIATE);
    }

    /** A client with a pool; told to speak HTTP/2, as 5.0 cannot negotiate on every JDK. */
    static CloseableHttpAsyncClient pooling() {
        return pooling(managers().build(), HttpVersionPolicy.FORCE_HTTP_2);
    }

    private static CloseableHttpAsyncClient pooling(
            PoolingAsyncClientConnectionManager manager, HttpVersionPolicy policy) {
        return HttpAsyncClients.custom()
                .setVersionPolicy(policy)
                .setConnectionManager(manager)
                .build();
    }
}
