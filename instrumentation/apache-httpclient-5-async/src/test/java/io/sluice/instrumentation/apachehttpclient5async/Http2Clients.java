package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.instrumentation.testing.TestTls;
import java.lang.reflect.Method;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.config.CharCodingConfig;
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
        return negotiating(builder.build());
    }

    /** A client that speaks HTTP/2 where the server does. */
    static CloseableHttpAsyncClient negotiating() {
        return negotiating(managers().build());
    }

    private static CloseableHttpAsyncClient negotiating(PoolingAsyncClientConnectionManager manager) {
        return HttpAsyncClients.custom()
                .setVersionPolicy(HttpVersionPolicy.NEGOTIATE)
                .setCharCodingConfig(CharCodingConfig.DEFAULT)
                .setConnectionManager(manager)
                .build();
    }
}
