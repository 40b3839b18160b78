package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.instrumentation.testing.ContractClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import javax.net.ssl.SSLContext;
import org.apache.commons.httpclient.HostConfiguration;
import org.apache.commons.httpclient.HttpClient;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.apache.commons.httpclient.HttpMethod;
import org.apache.commons.httpclient.MultiThreadedHttpConnectionManager;
import org.apache.commons.httpclient.SimpleHttpConnectionManager;
import org.apache.commons.httpclient.methods.ByteArrayRequestEntity;
import org.apache.commons.httpclient.methods.GetMethod;
import org.apache.commons.httpclient.methods.PostMethod;
import org.apache.commons.httpclient.params.HttpConnectionParams;
import org.apache.commons.httpclient.protocol.Protocol;
import org.apache.commons.httpclient.protocol.ProtocolSocketFactory;
import org.apache.commons.httpclient.protocol.SecureProtocolSocketFactory;

/** A client with one manager. Uses nothing that 3.0 does not have. */
final class HttpClient3 implements ContractClient {
    final HttpClient http;
    private final Protocol https;

    private HttpClient3(HttpConnectionManager manager, Setup setup) {
        http = new HttpClient(manager);
        if (setup.proxy() != null) {
            http.getHostConfiguration()
                    .setProxy(setup.proxy().getHostString(), setup.proxy().getPort());
        }
        https = setup.tls() == null
                ? Protocol.getProtocol("https")
                : new Protocol("https", (ProtocolSocketFactory) new Tls(setup.tls()), 443);
    }

    static HttpClient3 pooling(Setup setup) {
        return new HttpClient3(pool(), setup);
    }

    static HttpClient3 simple(Setup setup) {
        return new HttpClient3(new SimpleHttpConnectionManager(), setup);
    }

    static HttpClient3 on(HttpConnectionManager manager) {
        return new HttpClient3(manager, Setup.plain());
    }

    static MultiThreadedHttpConnectionManager pool() {
        MultiThreadedHttpConnectionManager manager = new MultiThreadedHttpConnectionManager();
        manager.getParams().setMaxTotalConnections(100);
        manager.getParams().setDefaultMaxConnectionsPerHost(100);
        return manager;
    }

    @Override
    public String get(String url) throws IOException {
        return execute(url, new GetMethod(pathOf(url)));
    }

    @Override
    public String post(String url, byte[] body) throws IOException {
        PostMethod post = new PostMethod(pathOf(url));
        post.setRequestEntity(new ByteArrayRequestEntity(body));
        return execute(url, post);
    }

    static String pathOf(String url) {
        URI uri = URI.create(url);
        return uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
    }

    String execute(String url, HttpMethod method) throws IOException {
        try {
            int status = start(url, method);
            String body = method.getResponseBodyAsString();
            return status + " " + (body == null ? "" : body);
        } finally {
            method.releaseConnection();
        }
    }

    /** Sends the request and reads the head of the response. */
    int start(String url, HttpMethod method) throws IOException {
        return http.executeMethod(host(url), method);
    }

    HostConfiguration host(String url) {
        URI uri = URI.create(url);
        HostConfiguration host = new HostConfiguration(http.getHostConfiguration());
        Protocol protocol = uri.getScheme().equals("https") ? https : Protocol.getProtocol("http");
        host.setHost(uri.getHost(), uri.getPort(), protocol);
        return host;
    }

    @Override
    public void close() {
        HttpConnectionManager manager = http.getHttpConnectionManager();
        if (manager instanceof MultiThreadedHttpConnectionManager) {
            ((MultiThreadedHttpConnectionManager) manager).shutdown();
        } else {
            manager.closeIdleConnections(-1);
        }
    }

    /** As programs write them that trust certificates of their own. */
    private static final class Tls implements SecureProtocolSocketFactory {
        private final SSLContext context;

        Tls(SSLContext context) {
            this.context = context;
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            return context.getSocketFactory().createSocket(host, port);
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
            return context.getSocketFactory().createSocket(host, port, local, localPort);
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort, HttpConnectionParams params)
                throws IOException {
            return createSocket(host, port, local, localPort);
        }

        @Override
        public Socket createSocket(Socket below, String host, int port, boolean autoClose) throws IOException {
            return context.getSocketFactory().createSocket(below, host, port, autoClose);
        }
    }
}
