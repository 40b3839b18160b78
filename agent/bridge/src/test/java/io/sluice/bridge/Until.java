package io.sluice.bridge;

import java.util.function.BooleanSupplier;

/** Waits for what must come; a test's time limit interrupts it. */
final class Until {
    private Until() {}

    static void holds(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("waited too long");
            }
            Thread.yield();
        }
    }

    /** Until the collector has done its work. */
    static void collected(BooleanSupplier condition) {
        holds(() -> {
            System.gc();
            return condition.getAsBoolean();
        });
    }

    static void parked(Thread thread) {
        holds(() -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
    }

    static Thread started(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static void ended(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError("waited too long", e);
        }
    }
}
