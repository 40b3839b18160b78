package io.sluice.agent.child;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Snapshot;
import java.util.function.ToIntFunction;

/** What the agent in this JVM counts. A class of its own, since programs without the agent cannot load it. */
final class Figures {
    private static final long PAUSE_MILLIS = 1;

    private Figures() {}

    /** Blocks until so many exchanges wait for a lease, of all destinations together. */
    static void awaitWaiting(int count) throws InterruptedException {
        while (sum(Snapshot::pending) != count) {
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /** Blocks until no exchange has a lease or waits for one: a client may answer before it lays its connection down. */
    static void awaitQuiet() throws InterruptedException {
        while (sum(Snapshot::pending) + sum(Snapshot::leased) > 0) {
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /** One figure of all destinations together. */
    private static int sum(ToIntFunction<Snapshot> figure) {
        return table().snapshot().stream().mapToInt(figure).sum();
    }

    private static LimiterTable table() {
        LimiterTable table = ConnectionGate.table();
        if (table == null) {
            throw new IllegalStateException("the agent is not installed");
        }
        return table;
    }
}
