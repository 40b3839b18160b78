package io.sluice.bridge;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ReadyTest {
    @Test
    void firstCallersWaitAndLaterOnesDoNot() throws Exception {
        FreshClasses.run(Waits.class);
    }

    static final class Waits implements Runnable {
        @Override
        public void run() {
            check(!Ready.isDone(), "done too early");
            boolean[] interrupted = new boolean[2];
            Thread one = Until.started(() -> {
                Ready.await();
                interrupted[0] = Thread.currentThread().isInterrupted();
            });
            Thread other = Until.started(() -> {
                Ready.await();
                interrupted[1] = Thread.currentThread().isInterrupted();
            });
            Until.parked(one);
            Until.parked(other);
            one.interrupt();
            Until.holds(() -> !one.isInterrupted());
            Until.parked(one);
            check(!Ready.isDone(), "an interrupt does not end it");
            Ready.done();
            Until.ended(one);
            Until.ended(other);
            check(Ready.isDone(), "done");
            check(interrupted[0], "the interrupt is kept for later");
            check(!interrupted[1], "nobody interrupted the other");
            Ready.await();
        }
    }

    @Test
    void onceDoneNobodyWaits() throws Exception {
        FreshClasses.run(DoesNotWait.class);
    }

    static final class DoesNotWait implements Runnable {
        @Override
        public void run() {
            Ready.done();
            Thread.currentThread().interrupt();
            Ready.await();
            check(Thread.interrupted(), "the interrupt is untouched");
            check(Ready.isDone(), "done");
        }
    }

    private static void check(boolean condition, String promise) {
        if (!condition) {
            throw new AssertionError(promise);
        }
    }
}
