package io.sluice.agent.child;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Several clients asking the same server with many threads each, all at once. */
final class Load {
    private final String[] specs;
    private final int threadsEach;
    private final int rounds;
    private final String url;
    private final CountDownLatch left;

    Load(String[] specs, int threadsEach, int rounds, String url) {
        this.specs = specs;
        this.threadsEach = threadsEach;
        this.rounds = rounds;
        this.url = url;
        left = new CountDownLatch(specs.length);
    }

    /** Starts all threads. Each client's figures are printed when it has finished, and a last line after all of them. */
    void start() {
        CountDownLatch go = new CountDownLatch(1);
        for (String spec : specs) {
            Share share = new Share(spec);
            for (int i = 0; i < threadsEach; i++) {
                String text = spec + "-" + i;
                HttpCommands.start(false, () -> share.work(text, go));
            }
        }
        go.countDown();
        new Thread(this::announceEnd).start();
    }

    private void announceEnd() {
        try {
            left.await();
            HttpCommands.print("[load ended]");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What one client does. */
    private final class Share {
        private final String spec;
        private final List<Long> nanos = new ArrayList<>();
        private int failed;
        private int threadsLeft = threadsEach;

        Share(String spec) {
            this.spec = spec;
        }

        void work(String text, CountDownLatch go) {
            try {
                go.await();
                for (int i = 0; i < rounds; i++) {
                    exchange(text + "-" + i);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                end();
            }
        }

        /** The server answers with the text that the request has, and a good deal behind it. */
        private void exchange(String text) {
            long start = System.nanoTime();
            String problem = null;
            try {
                Client.Answer answer =
                        ClientSpec.client(spec).get(url + (url.contains("?") ? "&" : "?") + "text=" + text);
                if (answer.status() != 200
                        || !answer.body().startsWith(text + ".")
                        || !answer.body().endsWith(".end")) {
                    problem = answer.status() + " " + answer.body();
                }
            } catch (Throwable thrown) {
                problem = thrown.toString();
            }
            long took = System.nanoTime() - start;
            synchronized (this) {
                nanos.add(took);
                if (problem != null) {
                    failed++;
                    HttpCommands.print("[" + text + "] failed: " + problem);
                }
            }
        }

        private synchronized void end() {
            threadsLeft--;
            if (threadsLeft > 0) {
                return;
            }
            long sum = 0;
            long longest = 0;
            for (long one : nanos) {
                sum += one;
                longest = Math.max(longest, one);
            }
            HttpCommands.print("[load " + spec + "] exchanges=" + nanos.size() + " failed=" + failed + " mean="
                    + TimeUnit.NANOSECONDS.toMillis(sum / nanos.size()) + " longest="
                    + TimeUnit.NANOSECONDS.toMillis(longest) + " ms");
            left.countDown();
        }
    }
}
