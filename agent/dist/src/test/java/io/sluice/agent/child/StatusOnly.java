package io.sluice.agent.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Legacy code: asks for the status of many answers, and never reads nor closes one. */
public final class StatusOnly {

    private StatusOnly() {}

    /** Arguments: a URL to which a number is appended, how many threads, how many answers. */
    public static void main(String[] arguments) throws Exception {
        AtomicInteger good = new AtomicInteger();
        AtomicInteger bad = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(Integer.parseInt(arguments[1]));
        for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
            URL url = new URL(arguments[0] + i);
            threads.execute(() -> (isGood(url) ? good : bad).incrementAndGet());
        }
        threads.shutdown();
        System.out.println("in time: " + threads.awaitTermination(60, TimeUnit.SECONDS));
        System.out.println("good: " + good + ", bad: " + bad);
    }

    private static boolean isGood(URL url) {
        try {
            return ((HttpURLConnection) url.openConnection()).getResponseCode() == 200;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
