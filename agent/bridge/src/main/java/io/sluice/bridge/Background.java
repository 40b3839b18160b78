package io.sluice.bridge;

import java.lang.reflect.Constructor;
import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The agent's few threads: they close idle connections for callers that must not block, run the continuations of
 * asynchronous callers, and look after those who wait. Daemons that keep nothing of the program, started when there is
 * something to do and gone after ten quiet seconds.
 */
public final class Background {
    /** More than one, so that a client's slow closing holds up nobody else. */
    private static final int THREADS = 4;

    private static final ScheduledThreadPoolExecutor EXECUTOR = start(10_000);

    private Background() {}

    static ScheduledThreadPoolExecutor start(long keepAliveMillis) {
        ScheduledThreadPoolExecutor made = new ScheduledThreadPoolExecutor(THREADS, new Threads());
        made.setKeepAliveTime(keepAliveMillis, TimeUnit.MILLISECONDS);
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
        EXECUTOR.getThreadFactory().newThread(task).start();
    }

    /**
     * Makes threads on the program's threads, yet free of what a new thread inherits: the context class loader, inheritable
     * thread locals, the callers' protection domains, and a thread group that may have been destroyed.
     */
    private static final class Threads implements ThreadFactory {
        private final AtomicInteger count = new AtomicInteger();
        private final @Nullable Constructor<Thread> withoutInheriting = constructor();

        /** The constructor that need not inherit thread locals, public since Java 9; null before. */
        private static @Nullable Constructor<Thread> constructor() {
            try {
                return Thread.class.getConstructor(
                        ThreadGroup.class, Runnable.class, String.class, long.class, boolean.class);
            } catch (NoSuchMethodException java8) {
                return null;
            }
        }

        @Override
        public Thread newThread(final Runnable task) {
            return AccessController.doPrivileged(new PrivilegedAction<Thread>() {
                @Override
                public Thread run() {
                    Thread thread = make(rootGroup(), task, "sluice-" + count.incrementAndGet());
                    thread.setDaemon(true);
                    thread.setPriority(Thread.NORM_PRIORITY);
                    thread.setContextClassLoader(null);
                    return thread;
                }
            });
        }

        private Thread make(ThreadGroup group, Runnable task, String name) {
            if (withoutInheriting != null) {
                try {
                    return withoutInheriting.newInstance(group, task, name, 0L, false);
                } catch (ReflectiveOperationException inheritThen) {
                    // As on Java 8.
                }
            }
            return new Thread(group, task, name);
        }

        private static ThreadGroup rootGroup() {
            ThreadGroup group = Thread.currentThread().getThreadGroup();
            for (ThreadGroup parent = group.getParent(); parent != null; parent = group.getParent()) {
                group = parent;
            }
            return group;
        }
    }
}
