package io.sluice.instrumentation.asynchttpclient;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.netty.handler.ssl.JdkSslContext;
import javax.net.ssl.SSLContext;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;

/** Negotiation of HTTP/2 in the TLS handshake. */
final class Http2Tls {
    private Http2Tls() {}

    @SuppressWarnings("deprecation") // the constructor of JdkSslContext that all versions of Netty have
    static DefaultAsyncHttpClientConfig.Builder offering(DefaultAsyncHttpClientConfig.Builder config, SSLContext tls) {
        return config.setSslContext(new JdkSslContext(
                tls,
                true,
                null,
                IdentityCipherSuiteFilter.INSTANCE,
                new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        "h2",
                        "http/1.1"),
                ClientAuth.NONE));
    }
}
