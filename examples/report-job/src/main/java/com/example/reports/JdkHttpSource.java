package com.example.reports;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The newest part of the job: {@code java.net.http}, whose client keeps its connections by itself. */
class JdkHttpSource implements InvoiceSource {
    private final String server;
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    JdkHttpSource(String server) {
        this.server = server;
    }

    @Override
    public String name() {
        return "jdk";
    }

    @Override
    public String fetch(String path, String userAgent) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(server + path))
                .header("User-Agent", userAgent)
                .build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException("HTTP status " + response.statusCode());
        }
        return response.body();
    }
}
