package com.example.reports;

import java.io.IOException;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/** Apache HttpClient 4.5 with its pool of connections. */
class ApacheSource implements InvoiceSource {
    private final String server;
    private final CloseableHttpClient client = HttpClients.custom()
            .setMaxConnPerRoute(4)
            .setMaxConnTotal(20)
            .setDefaultRequestConfig(RequestConfig.custom()
                    .setConnectTimeout(5000)
                    .setSocketTimeout(10000)
                    .build())
            .build();

    ApacheSource(String server) {
        this.server = server;
    }

    @Override
    public String name() {
        return "apache";
    }

    @Override
    public String fetch(String path, String userAgent) throws IOException {
        HttpGet get = new HttpGet(server + path);
        get.setHeader("User-Agent", userAgent);
        try (CloseableHttpResponse response = client.execute(get)) {
            if (response.getStatusLine().getStatusCode() != 200) {
                throw new IOException("HTTP status " + response.getStatusLine());
            }
            return EntityUtils.toString(response.getEntity(), "UTF-8");
        }
    }
}
