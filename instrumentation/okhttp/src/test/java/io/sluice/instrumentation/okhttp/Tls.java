package io.sluice.instrumentation.okhttp;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;

/** Has a client trust the test server. Up to 3.1 a builder takes the factory only. */
final class Tls {
    private Tls() {}

    static void trust(OkHttpClient.Builder builder, SSLContext tls) {
        try {
            try {
                OkHttpClient.Builder.class
                        .getMethod("sslSocketFactory", SSLSocketFactory.class, X509TrustManager.class)
                        .invoke(builder, tls.getSocketFactory(), new TrustsAll());
            } catch (NoSuchMethodException old) {
                OkHttpClient.Builder.class
                        .getMethod("sslSocketFactory", SSLSocketFactory.class)
                        .invoke(builder, tls.getSocketFactory());
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Only for OkHttp's own look at certificate chains: the factory's trust manager is another one. */
    private static final class TrustsAll implements X509TrustManager {
        @Override
        public void checkClientTrusted(java.security.cert.X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(java.security.cert.X509Certificate[] chain, String authType) {}

        @Override
        public java.security.cert.X509Certificate[] getAcceptedIssuers() {
            return new java.security.cert.X509Certificate[0];
        }
    }
}
