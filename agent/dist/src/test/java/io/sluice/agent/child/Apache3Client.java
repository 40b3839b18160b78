package io.sluice.agent.child;

import java.io.IOException;
import org.apache.commons.httpclient.HttpClient;
import org.apache.commons.httpclient.MultiThreadedHttpConnectionManager;
import org.apache.commons.httpclient.methods.GetMethod;

/** commons-httpclient 3. */
public final class Apache3Client implements Client {
    private final HttpClient client;

    public Apache3Client(ClientSpec spec) {
        MultiThreadedHttpConnectionManager manager = new MultiThreadedHttpConnectionManager();
        manager.getParams().setDefaultMaxConnectionsPerHost(spec.maxPerServer());
        manager.getParams().setMaxTotalConnections(10 * spec.maxPerServer());
        client = new HttpClient(manager);
        client.getParams().setSoTimeout(spec.readTimeoutMillis());
        if (spec.hasProxy()) {
            client.getHostConfiguration().setProxy(spec.proxyHost(), spec.proxyPort());
        }
    }

    @Override
    public Answer get(String url) throws IOException {
        GetMethod method = new GetMethod(url);
        try {
            int status = client.executeMethod(method);
            return new Answer(status, method.getResponseBodyAsString());
        } finally {
            method.releaseConnection();
        }
    }
}
