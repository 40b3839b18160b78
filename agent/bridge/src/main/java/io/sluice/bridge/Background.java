package io.sluice.bridge;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The agent's few threads: they close idle connections for callers that must not block, run the continuations of
 * asynchronous callers, and look after those who wait. Daemons without a context class loader, started when there is
 * something to do and gone after ten quiet seconds.
 */
public final class Background {
    /** More than one, so that a client's slow closing holds up nobody else. */
    private static final int THREADS = 4;

    private static final ScheduledThreadPoolExecutor EXECUTOR = start();

    private Background() {}

    private static ScheduledThreadPoolExecutor start() {
        ScheduledThreadPoolExecutor made = new ScheduledThreadPoolExecutor(THREADS, new Threads());
        made.setKeepAliveTime(10, TimeUnit.SECONDS);
        made.allowCoreThreadTimeOut(true);
        made.setRemoveOnCancelPolicy(true);
        return made;
    }

    /** The executor; its tasks must not block for long. */
    public static ScheduledThreadPoolExecutor executor() {
        return EXECUTOR;
    }

    /** Runs a task that may block for long on a thread of its own. */
    public static void aside(Runnable task) {
        new Threads().newThread(task).start();
    }

    private static final class Threads implements ThreadFactory {
        private final AtomicInteger count = new AtomicInteger();

        @Override
        public Thread newThread(Runnable task) {
            Thread thread = new Thread(null, task, "sluice-" + count.incrementAndGet());
            thread.setDaemon(true);
            thread.setContextClassLoader(null);
            return thread;
        }
    }
}
