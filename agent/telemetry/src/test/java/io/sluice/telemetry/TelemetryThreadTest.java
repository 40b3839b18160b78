package io.sluice.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TelemetryThreadTest {
    private final List<String> warnings = new CopyOnWriteArrayList<>();
    private final TelemetryThread thread = new TelemetryThread(warnings::add, Runnable::run, () -> {});

    @Test
    void dropsWhatDoesNotFitAndSaysSoOnce() throws InterruptedException {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger done = new AtomicInteger();
        thread.submit(() -> {
            busy.countDown();
            awaitUninterrupted(release);
        });
        busy.await();
        for (int i = 0; i < TelemetryThread.QUEUE_CAPACITY + 10; i++) {
            thread.submit(done::incrementAndGet);
        }
        assertThat(warnings).singleElement().asString().contains("dropped");

        release.countDown();
        while (!thread.flush(() -> {}, 20_000)) {}
        assertThat(done).hasValue(TelemetryThread.QUEUE_CAPACITY);
    }

    @Test
    void aFlushDoesNotOutlastItsTime() throws InterruptedException {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        thread.submit(() -> {
            busy.countDown();
            awaitUninterrupted(release);
        });
        busy.await();

        assertThat(thread.flush(() -> {}, 20)).isFalse();
        release.countDown();
        assertThat(thread.flush(() -> {}, 20_000)).isTrue();
    }

    @Test
    void aFlushBeforeTheFirstTaskStartsNothing() {
        AtomicInteger done = new AtomicInteger();

        assertThat(thread.flush(done::incrementAndGet, 20_000)).isTrue();
        assertThat(done).hasValue(0);
    }

    @Test
    void aTaskThatFailsDoesNotEndTheThread() {
        thread.submit(() -> {
            throw new IllegalStateException("broken");
        });
        AtomicInteger done = new AtomicInteger();
        thread.submit(done::incrementAndGet);

        assertThat(thread.flush(() -> {}, 20_000)).isTrue();
        assertThat(done).hasValue(1);
        assertThat(warnings).singleElement().asString().contains("broken");
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
