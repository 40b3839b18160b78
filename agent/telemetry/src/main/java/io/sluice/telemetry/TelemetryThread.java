package io.sluice.telemetry;

import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that does this package's work: a daemon without a context class loader, started by the first task.
 *
 * <p>The thread and its shutdown hook are made with this object, in premain, and so run with the agent's rights under a
 * security manager and inherit nothing of the program, whoever submits the first task.
 */
final class TelemetryThread {
    /** How many tasks wait at most; further ones are dropped. */
    static final int QUEUE_CAPACITY = 2048;
    /** How long the end of the JVM is held up at most. */
    static final long EXIT_FLUSH_MILLIS = 2000;

    private final BlockingQueue<Runnable> queue = new ArrayBlockingQueue<>(QUEUE_CAPACITY);
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicBoolean warnedOfDrop = new AtomicBoolean();
    private final Consumer<String> warnings;
    private final Thread thread;
    private final Thread shutdownHook;

    /**
     * Starts nothing yet.
     *
     * @param warnings is told of dropped tasks, once, on the thread that submits, and of failed ones, on this one
     * @param exempt runs the thread's loop such that connections opened by it are not limited
     * @param atExit runs on this thread, after everything else, when the JVM ends; it has less than
     *     {@link #EXIT_FLUSH_MILLIS}
     */
    TelemetryThread(Consumer<String> warnings, Consumer<Runnable> exempt, Runnable atExit) {
        this.warnings = warnings;
        thread = new Thread(new Loop(exempt), "sluice-telemetry");
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        shutdownHook = new Thread(new ExitFlush(atExit), "sluice-telemetry-flush");
        shutdownHook.setContextClassLoader(null);
    }

    /**
     * Hands a task over, or drops it where the queue is full. Never blocks; may be called on any thread.
     *
     * @param task what it throws is told to {@code warnings}
     */
    void submit(Runnable task) {
        start();
        if (!queue.offer(task) && warnedOfDrop.compareAndSet(false, true)) {
            warnings.accept("more than " + QUEUE_CAPACITY
                    + " spans of waits are pending, so some are dropped; this is said once");
        }
    }

    /**
     * Waits until all tasks submitted so far are done and then runs one more.
     *
     * @return whether that task was done in time; true also where the thread was never started
     */
    boolean flush(Runnable last, long timeoutMillis) {
        if (!started.get()) {
            return true;
        }
        long deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        CountDownLatch done = new CountDownLatch(1);
        try {
            return queue.offer(new Signal(last, done), timeoutMillis, TimeUnit.MILLISECONDS)
                    && done.await(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void start() {
        if (started.get() || !started.compareAndSet(false, true)) {
            return;
        }
        AccessController.doPrivileged(new PrivilegedAction<@Nullable Void>() {
            @Override
            public @Nullable Void run() {
                try {
                    // Before the first task is queued: the program may end right after its first wait.
                    Runtime.getRuntime().addShutdownHook(shutdownHook);
                } catch (IllegalStateException e) {
                    // the JVM is ending already
                }
                thread.start();
                return null;
            }
        });
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            warnings.accept("a span of a wait was lost: " + e);
        }
    }

    private final class Loop implements Runnable {
        private final Consumer<Runnable> exempt;

        Loop(Consumer<Runnable> exempt) {
            this.exempt = exempt;
        }

        @Override
        public void run() {
            exempt.accept(new Runnable() {
                @Override
                public void run() {
                    while (true) {
                        try {
                            TelemetryThread.this.run(queue.take());
                        } catch (InterruptedException e) {
                            // nobody of ours interrupts it; a span processor of the program might have
                        }
                    }
                }
            });
        }
    }

    private final class ExitFlush implements Runnable {
        private final Runnable atExit;

        ExitFlush(Runnable atExit) {
            this.atExit = atExit;
        }

        @Override
        public void run() {
            flush(atExit, EXIT_FLUSH_MILLIS);
        }
    }

    private static final class Signal implements Runnable {
        private final Runnable last;
        private final CountDownLatch done;

        Signal(Runnable last, CountDownLatch done) {
            this.last = last;
            this.done = done;
        }

        @Override
        public void run() {
            try {
                last.run();
            } finally {
                done.countDown();
            }
        }
    }
}
