package io.sluice.agent.child;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URL;

/** {@link HttpURLConnection}; all objects of this class share the JDK's one cache. */
public final class UrlConnectionClient implements Client {
    private final Proxy proxy;
    private final int readTimeoutMillis;

    public UrlConnectionClient(ClientSpec spec) {
        proxy = spec.hasProxy()
                ? new Proxy(Proxy.Type.HTTP, new InetSocketAddress(spec.proxyHost(), spec.proxyPort()))
                : Proxy.NO_PROXY;
        readTimeoutMillis = spec.readTimeoutMillis();
    }

    @Override
    public Answer get(String url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection(proxy);
        connection.setReadTimeout(readTimeoutMillis);
        int status = connection.getResponseCode();
        try (InputStream in = status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            byte[] buffer = new byte[4096];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                body.write(buffer, 0, count);
            }
            return new Answer(status, body.toString("UTF-8"));
        }
    }
}
