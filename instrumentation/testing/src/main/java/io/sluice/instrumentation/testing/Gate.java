package io.sluice.instrumentation.testing;

import java.util.TreeSet;

/** Holds requests until the test lets them go, in the order of their arrival. Safe for any thread. */
final class Gate {
    /** Those that have arrived and not passed yet, also where they do not wait here yet. */
    private final TreeSet<Integer> arrived = new TreeSet<>();

    private int held;
    private long permits;
    private boolean open;

    /** A request has arrived that will {@link #pass}, or be {@link #gone}. */
    synchronized void arrives(int arrival) {
        arrived.add(arrival);
    }

    /** Blocks until the gate is open, or until a permit is left for the request and none that arrived earlier is to come. */
    synchronized void pass(int arrival) throws InterruptedException {
        held++;
        try {
            while (!open && (permits == 0 || arrived.first() != arrival)) {
                wait();
            }
            if (!open) {
                permits--;
            }
        } finally {
            held--;
            gone(arrival);
        }
    }

    /** The request will not pass any more; nothing happens if it has. */
    synchronized void gone(int arrival) {
        if (arrived.remove(arrival)) {
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
        return held;
    }
}
