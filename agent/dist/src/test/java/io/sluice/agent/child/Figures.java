package io.sluice.agent.child;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Snapshot;

/** What the agent in this JVM counts. A class of its own, since programs without the agent cannot load it. */
final class Figures {
    private static final long PAUSE_MILLIS = 1;

    private Figures() {}

    /** Blocks until so many exchanges wait for a lease, of all destinations together. */
    static void awaitWaiting(int count) throws InterruptedException {
        while (waiting() != count) {
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /** Blocks until no exchange has a lease or waits for one: a client may answer before it lays its connection down. */
    static void awaitQuiet() throws InterruptedException {
        while (waiting() + leased() > 0) {
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private static int waiting() {
        int waiting = 0;
        for (Snapshot one : table().snapshot()) {
            waiting += one.pending();
        }
        return waiting;
    }

    private static int leased() {
        int leased = 0;
        for (Snapshot one : table().snapshot()) {
            leased += one.leased();
        }
        return leased;
    }

    private static LimiterTable table() {
        LimiterTable table = ConnectionGate.table();
        if (table == null) {
            throw new IllegalStateException("the agent is not installed");
        }
        return table;
    }
}
