package io.sluice.agent.child;

import io.sluice.instrumentation.testing.ParkedThreads;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A program that talks HTTP as its standard input says, one command a line, until that ends. Every exchange has a thread
 * of its own, so that many can be under way at once.
 *
 * <pre>
 * get 7 apache4 http://...       asks; prints "[7] ended 200 after 15 ms: body" or "[7] ended SomeException after ...: message"
 * daemon 7 apache4 http://...    the same on a daemon thread
 * load java,apache4 9 3 http://  nine threads for each client, each asks three times; prints a line for each client
 * burst 7 vertx 100 http://...   begins a hundred asynchronous exchanges on this one thread; prints "[burst 7] begun", and
 *                                "[burst 7] answered 100" at their end
 * parked 3                       prints "[parked 3] " and the threads that wait in the agent
 * settle 5                       prints "[settled 5]" as soon as no exchange gets any further by itself
 * waiting 5 3                    prints "[waiting 5]" as soon as so many exchanges wait for a lease
 * quiet 5                        prints "[quiet 5]" as soon as no exchange has a lease or waits for one
 * set key value                  sets a system property; prints "[set key=value]"
 * </pre>
 */
public final class HttpCommands {
    private static final int LOOKS = 8;
    private static final long PAUSE_MILLIS = 10;

    private static final List<Thread> threads = new CopyOnWriteArrayList<>();

    private HttpCommands() {}

    /** Arguments: none. */
    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        print("[ready]");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            obey(line.split(" ", -1));
        }
        print("[end]");
    }

    private static void obey(String[] words) throws InterruptedException {
        switch (words[0]) {
            case "get":
            case "daemon":
                start(words[0].equals("daemon"), () -> get(words[1], words[2], words[3]));
                break;
            case "load":
                new Load(words[1].split(",", -1), Integer.parseInt(words[2]), Integer.parseInt(words[3]), words[4])
                        .start();
                break;
            case "burst":
                burst(words[1], (AsyncClient) ClientSpec.client(words[2]), Integer.parseInt(words[3]), words[4]);
                break;
            case "parked":
                print("[parked " + words[1] + "] " + ParkedThreads.inTheAgent() + " end");
                break;
            case "settle":
                awaitSettled();
                print("[settled " + words[1] + "]");
                break;
            case "waiting":
                Figures.awaitWaiting(Integer.parseInt(words[2]));
                print("[waiting " + words[1] + "]");
                break;
            case "quiet":
                Figures.awaitQuiet();
                print("[quiet " + words[1] + "]");
                break;
            case "set":
                System.setProperty(words[1], words[2]);
                print("[set " + words[1] + "=" + words[2] + "]");
                break;
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    static Thread start(boolean daemon, Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(daemon);
        threads.add(thread);
        thread.start();
        return thread;
    }

    /** Prints a whole line in one piece, so that lines of several threads do not mix. */
    static void print(String line) {
        System.out.print(line + "\n");
    }

    private static void get(String id, String spec, String url) {
        long start = System.nanoTime();
        String what;
        String more;
        try {
            Client.Answer answer = ClientSpec.client(spec).get(url);
            what = Integer.toString(answer.status());
            more = answer.body().substring(0, Math.min(40, answer.body().length()));
        } catch (Throwable thrown) {
            what = thrown.getClass().getName();
            more = message(thrown).replace('\n', ' ');
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        print("[" + id + "] ended " + what + " after " + millis + " ms: " + more);
    }

    /** What the exception says, or its cause where the exception's text is always the same. */
    private static String message(Throwable thrown) {
        Throwable cause = thrown.getCause();
        boolean causeSaysMore =
                cause != null && String.valueOf(cause.getMessage()).startsWith("timed out after");
        return String.valueOf((causeSaysMore ? cause : thrown).getMessage());
    }

    private static void burst(String id, AsyncClient client, int count, String url) {
        AtomicInteger answered = new AtomicInteger();
        AtomicInteger left = new AtomicInteger(count);
        for (int i = 0; i < count; i++) {
            CompletableFuture<Client.Answer> answer = new CompletableFuture<>();
            try {
                answer = client.start(url);
            } catch (Exception e) {
                answer.completeExceptionally(e);
            }
            answer.whenComplete((value, failure) -> {
                if (failure != null) {
                    print("[burst " + id + "] failed: " + failure);
                } else if (value.status() == 200) {
                    answered.incrementAndGet();
                }
                if (left.decrementAndGet() == 0) {
                    print("[burst " + id + "] answered " + answered);
                }
            });
        }
        print("[burst " + id + "] begun");
    }

    /**
     * Waits until no thread of the JVM gets any further: each waits for another thread or is in a native method, such as
     * reading from a socket, and that at the same place in some looks in a row. So all exchanges have asked whomever they
     * ask, those too that are made by threads of a client's own.
     */
    private static void awaitSettled() throws InterruptedException {
        String before = "";
        for (int same = 0; same < LOOKS; ) {
            String places = places();
            same = !places.isEmpty() && places.equals(before) ? same + 1 : 0;
            before = places;
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /** Where each thread is; empty if one of them is at work. */
    private static String places() {
        Map<Long, String> places = new TreeMap<>();
        for (Map.Entry<Thread, StackTraceElement[]> entry :
                Thread.getAllStackTraces().entrySet()) {
            Thread thread = entry.getKey();
            StackTraceElement[] stack = entry.getValue();
            Thread.State state = thread.getState();
            boolean waits = state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
            boolean isInNativeMethod = stack.length > 0 && stack[0].isNativeMethod();
            boolean isOfTheJvm = stack.length == 0 && !threads.contains(thread);
            if (thread != Thread.currentThread() && !isOfTheJvm) {
                if (!waits && !isInNativeMethod && state != Thread.State.TERMINATED) {
                    return "";
                }
                places.put(thread.getId(), state + Arrays.toString(stack));
            }
        }
        return "settled " + places;
    }
}
