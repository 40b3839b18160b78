package io.sluice.instrumentation.javahttpclient;

import io.sluice.instrumentation.testing.TestTls;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A server on the loopback interface that speaks HTTP/2: over TLS by ALPN, in clear text by upgrade. */
final class Http2Server implements AutoCloseable {
    private static final char[] PASSWORD = "changeit".toCharArray();

    private final Undertow undertow;
    private final boolean tls;

    private Http2Server(boolean tls, int maxStreams, HttpHandler handler) {
        this.tls = tls;
        Undertow.Builder builder = Undertow.builder()
                .setServerOption(UndertowOptions.ENABLE_HTTP2, true)
                .setServerOption(UndertowOptions.HTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams)
                .setIoThreads(2)
                .setWorkerThreads(64)
                .setHandler(exchange -> exchange.dispatch(() -> {
                    try {
                        exchange.startBlocking();
                        handler.handleRequest(exchange);
                    } catch (Exception e) {
                        exchange.setStatusCode(500);
                    } finally {
                        exchange.endExchange();
                    }
                }));
        undertow = (tls
                        ? builder.addHttpsListener(0, "127.0.0.1", serverContext())
                        : builder.addHttpListener(0, "127.0.0.1"))
                .build();
        undertow.start();
    }

    static Http2Server overTls(int maxStreams, HttpHandler handler) {
        return new Http2Server(true, maxStreams, handler);
    }

    static Http2Server inClearText(HttpHandler handler) {
        return new Http2Server(false, 100, handler);
    }

    int port() {
        return ((InetSocketAddress) undertow.getListenerInfo().get(0).getAddress()).getPort();
    }

    String url(String path) {
        return (tls ? "https" : "http") + "://127.0.0.1:" + port() + path;
    }

    @Override
    public void close() {
        undertow.stop();
    }

    private static SSLContext serverContext() {
        try {
            String pem;
            try (InputStream in = TestTls.class.getResourceAsStream("localhost-for-tests.pem")) {
                pem = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
            }
            Certificate certificate;
            try (InputStream in = new java.io.ByteArrayInputStream(section(pem, "CERTIFICATE"))) {
                certificate = CertificateFactory.getInstance("X.509").generateCertificate(in);
            }
            KeyStore keys = KeyStore.getInstance(KeyStore.getDefaultType());
            keys.load(null, null);
            keys.setKeyEntry(
                    "server",
                    KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(section(pem, "PRIVATE KEY"))),
                    PASSWORD,
                    new Certificate[] {certificate});
            KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(keys, PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] section(String pem, String name) {
        String begin = "-----BEGIN " + name + "-----";
        int at = pem.indexOf(begin) + begin.length();
        return Base64.getMimeDecoder()
                .decode(pem.substring(at, pem.indexOf("-----END", at)).trim());
    }
}
