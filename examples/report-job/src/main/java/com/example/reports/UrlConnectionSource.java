package com.example.reports;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/** The oldest part of the job: {@link HttpURLConnection}, whose pool is the JVM's keep-alive cache. */
class UrlConnectionSource implements InvoiceSource {
    private final String server;

    UrlConnectionSource(String server) {
        this.server = server;
    }

    @Override
    public String name() {
        return "url";
    }

    @Override
    public String fetch(String path, String userAgent) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(server + path).openConnection();
        connection.setConnectTimeout(5000);
        connection.setReadTimeout(10000);
        connection.setRequestProperty("User-Agent", userAgent);
        if (connection.getResponseCode() != 200) {
            throw new IOException("HTTP status " + connection.getResponseCode());
        }
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
