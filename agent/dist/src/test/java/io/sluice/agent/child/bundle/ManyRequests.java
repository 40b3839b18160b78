package io.sluice.agent.child.bundle;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/** Asks a server twelve times at once with Apache HttpClient 4 and prints what comes of each request. */
public final class ManyRequests {
    /** How many requests. */
    public static final int COUNT = 12;

    private ManyRequests() {}

    /** Asks the URL of the system property {@code test.url}. */
    public static void main(String[] none) throws Exception {
        run(System.getProperty("test.url"));
    }

    static void run(String url) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(COUNT);
        try (CloseableHttpClient client = HttpClients.custom()
                .setMaxConnPerRoute(COUNT)
                .setMaxConnTotal(COUNT)
                .build()) {
            for (int i = 0; i < COUNT; i++) {
                threads.execute(() -> print("[" + get(client, url) + "]"));
            }
            threads.shutdown();
            threads.awaitTermination(50, TimeUnit.SECONDS);
        }
    }

    private static String get(CloseableHttpClient client, String url) {
        try (CloseableHttpResponse response = client.execute(new HttpGet(url))) {
            EntityUtils.consume(response.getEntity());
            return Integer.toString(response.getStatusLine().getStatusCode());
        } catch (Throwable problem) {
            return problem.toString();
        }
    }

    private static synchronized void print(String line) {
        System.out.println(line);
    }
}
