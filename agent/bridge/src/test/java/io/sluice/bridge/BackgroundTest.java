package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.ref.WeakReference;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BackgroundTest {
    @Test
    void threadsAreDaemonsThatKeepNothingOfTheProgram() throws Exception {
        ThreadGroup group = new ThreadGroup("the program's");
        AtomicReference<Thread> made = new AtomicReference<>();
        AtomicReference<ThreadGroup> parent = new AtomicReference<>(group);
        Thread program = new Thread(group, () -> {
            Thread.currentThread().setPriority(Thread.MIN_PRIORITY);
            Thread.currentThread().setContextClassLoader(new ClassLoader() {});
            runOn(Background.start(10_000), () -> {
                made.set(Thread.currentThread());
                parent.set(Thread.currentThread().getThreadGroup().getParent());
            });
        });
        program.start();
        program.join();
        assertThat(made.get().isDaemon()).isTrue();
        assertThat(made.get().getContextClassLoader()).isNull();
        assertThat(made.get().getName()).startsWith("sluice-");
        assertThat(made.get().getPriority()).isEqualTo(Thread.NORM_PRIORITY);
        assertThat(parent.get()).as("the group is the root").isNull();
    }

    @Test
    void threadsInheritNoThreadLocals() {
        assumeTrue(!System.getProperty("java.specification.version").startsWith("1."), "since Java 9");
        InheritableThreadLocal<Object> local = new InheritableThreadLocal<>();
        local.set(new Object());
        AtomicReference<Object> inherited = new AtomicReference<>(local);
        runOn(Background.start(10_000), () -> inherited.set(local.get()));
        local.remove();
        assertThat(inherited.get()).isNull();
    }

    private static void runOn(ScheduledThreadPoolExecutor executor, Runnable task) {
        CountDownLatch done = new CountDownLatch(1);
        executor.execute(() -> {
            task.run();
            done.countDown();
        });
        try {
            done.await();
        } catch (InterruptedException e) {
            throw new AssertionError("waited too long", e);
        }
    }

    @Test
    void threadsAreGoneWhenItIsQuiet() {
        ScheduledThreadPoolExecutor executor = Background.start(20);
        for (int i = 0; i < 8; i++) {
            runOn(executor, () -> {});
        }
        Until.holds(() -> executor.getPoolSize() == 0);
        AtomicInteger threads = new AtomicInteger();
        runOn(executor, () -> threads.set(executor.getPoolSize())); // asked there: it may soon be quiet again
        assertThat(threads.get()).isPositive();
    }

    @Test
    void finishedTasksAreNotKept() {
        ScheduledThreadPoolExecutor executor = Background.start(20);
        Object[] big = {new Object()};
        WeakReference<Object> weak = new WeakReference<>(big[0]);
        runOn(executor, task(big[0]));
        big[0] = null;
        Until.collected(() -> weak.get() == null);
        assertThat(executor.getQueue()).isEmpty();
    }

    private static Runnable task(Object big) {
        return () -> assertThat(big).isNotNull();
    }

    @Test
    void whatMayBlockForLongHoldsUpNobody() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        AtomicReference<Thread> made = new AtomicReference<>();
        for (int i = 0; i < 5; i++) { // more than the executor has threads
            Background.aside(() -> {
                made.set(Thread.currentThread());
                try {
                    blocked.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
        runOn(Background.executor(), () -> {});
        Until.holds(() -> made.get() != null);
        assertThat(made.get().isDaemon()).isTrue();
        blocked.countDown();
        made.get().join();
    }

    @Test
    void thereIsOneExecutorForAll() {
        assertThat(Background.executor()).isSameAs(Background.executor());
    }
}
