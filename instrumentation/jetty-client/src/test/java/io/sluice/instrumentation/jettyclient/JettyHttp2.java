package io.sluice.instrumentation.jettyclient;

import io.sluice.instrumentation.testing.TestTls;
import java.lang.reflect.Array;
import javax.net.ssl.SSLContext;

/** Clients that speak HTTP/2, of any version. */
final class JettyHttp2 {
    private static final String HTTP2 = "org.eclipse.jetty.http2.client.";

    private JettyHttp2() {}

    private static String transport(String name) {
        return HTTP2 + (Jetty.exists(HTTP2 + "transport." + name) ? "transport." : "http.") + name;
    }

    private static Object connector(SSLContext tls) throws Exception {
        Object connector = Jetty.make("org.eclipse.jetty.io.ClientConnector");
        Jetty.call(connector, "setSslContextFactory", Jetty.sslContextFactory(tls));
        return connector;
    }

    /** A client that speaks HTTP/2 alone, with prior knowledge in clear text. */
    static Object client() throws Exception {
        SSLContext tls = TestTls.clientContext();
        if (Jetty.exists("org.eclipse.jetty.io.ClientConnector")) {
            Object transport = Jetty.make(
                    transport("HttpClientTransportOverHTTP2"), Jetty.make(HTTP2 + "HTTP2Client", connector(tls)));
            return Jetty.make("org.eclipse.jetty.client.HttpClient", transport);
        }
        Object transport = Jetty.make(transport("HttpClientTransportOverHTTP2"), Jetty.make(HTTP2 + "HTTP2Client"));
        return Jetty.make("org.eclipse.jetty.client.HttpClient", transport, Jetty.sslContextFactory(tls));
    }

    static boolean hasAlpn() {
        return Jetty.exists("org.eclipse.jetty.alpn.java.client.JDK9ClientALPNProcessor");
    }

    private static String dynamicTransport() {
        String client = "org.eclipse.jetty.client.";
        return client
                + (Jetty.exists(client + "transport.HttpClientTransportDynamic") ? "transport." : "dynamic.")
                + "HttpClientTransportDynamic";
    }

    static boolean hasDynamic() {
        return Jetty.exists(dynamicTransport());
    }

    /** A client that offers HTTP/2 and HTTP/1.1. */
    static Object dynamic(SSLContext tls) throws Exception {
        Object connector = connector(tls);
        Class<?> infoType = Jetty.type("org.eclipse.jetty.io.ClientConnectionFactory$Info");
        Object infos = Array.newInstance(infoType, 2);
        Object http2 = Jetty.make(
                transport("ClientConnectionFactoryOverHTTP2$HTTP2"), Jetty.make(HTTP2 + "HTTP2Client", connector));
        Object http11 = Jetty.type(
                        Jetty.exists("org.eclipse.jetty.client.transport.HttpClientConnectionFactory")
                                ? "org.eclipse.jetty.client.transport.HttpClientConnectionFactory"
                                : "org.eclipse.jetty.client.http.HttpClientConnectionFactory")
                .getField("HTTP11")
                .get(null);
        Array.set(infos, 0, http11); // what it speaks where the server does not choose
        Array.set(infos, 1, http2);
        return Jetty.make("org.eclipse.jetty.client.HttpClient", Jetty.make(dynamicTransport(), connector, infos));
    }
}
