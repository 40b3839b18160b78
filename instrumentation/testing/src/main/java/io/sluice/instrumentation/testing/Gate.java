package io.sluice.instrumentation.testing;

import java.util.TreeSet;

/** Holds requests until the test lets them go, in the order of their arrival. Safe for any thread. */
final class Gate {
    private final TreeSet<Integer> held = new TreeSet<>();
    private long permits;
    private boolean open;

    /** Blocks until the gate is open, or until a permit is left for the request and none that arrived earlier waits. */
    synchronized void pass(int arrival) throws InterruptedException {
        held.add(arrival);
        try {
            while (!open && (permits == 0 || held.first() != arrival)) {
                wait();
            }
            if (!open) {
                permits--;
            }
        } finally {
            held.remove(arrival);
            notifyAll();
        }
    }

    synchronized void open() {
        open = true;
        notifyAll();
    }

    synchronized void shut() {
        open = false;
        permits = 0;
    }

    synchronized void permit(int count) {
        permits += count;
        notifyAll();
    }

    synchronized int held() {
        return held.size();
    }
}
