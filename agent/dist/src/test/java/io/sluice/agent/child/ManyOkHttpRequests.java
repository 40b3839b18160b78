package io.sluice.agent.child;

import java.util.ArrayList;
import java.util.List;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** Asks a server many times at once with OkHttp and prints what comes of each request. */
public final class ManyOkHttpRequests {
    /** How many requests. */
    public static final int COUNT = 12;

    private ManyOkHttpRequests() {}

    /** Asks the URL of the system property {@code test.url}. */
    public static void main(String[] none) throws InterruptedException {
        OkHttpClient client = new OkHttpClient();
        String url = System.getProperty("test.url");
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            Thread thread = new Thread(() -> System.out.println("[" + get(client, url) + "]"));
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        client.connectionPool().evictAll();
    }

    private static String get(OkHttpClient client, String url) {
        try (Response response =
                client.newCall(new Request.Builder().url(url).build()).execute()) {
            response.body().bytes();
            return Integer.toString(response.code());
        } catch (Throwable problem) {
            return problem.toString();
        }
    }
}
