package io.sluice.instrumentation.testing;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Destination;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** The limiter of the test's own JVM, into which {@link AgentInTests} installed the agent. */
public final class TestAgent {
    private TestAgent() {}

    /** The limiter of this JVM. */
    public static LimiterTable table() {
        LimiterTable table = ConnectionGate.table();
        if (table == null) {
            throw new IllegalStateException("the agent is not installed");
        }
        return table;
    }

    /** Changes the settings of this JVM. */
    public static void limits(Limits limits) {
        table().limits(limits);
    }

    /** So many connections per server, HTTP/1.0 or not, and per proxy; everything else as by default. */
    public static void limit(int perServer) {
        limits(Limits.builder()
                .maxConnectionsPerServer(perServer)
                .maxConnectionsPer10Server(perServer)
                .build());
    }

    /** The figures of a server. */
    public static Snapshot figures(TestServer server) {
        String url = server.url("/");
        return table().snapshot(
                        Destination.server(url.startsWith("https") ? "https" : "http", server.host(), server.port()));
    }

    /** Waits until something is so; fails after ten seconds. Looks again every millisecond. */
    public static void await(String what, Callable<Boolean> condition) throws Exception {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.call()) {
            if (System.nanoTime() - endNanos > 0) {
                throw new AssertionError("not within 10 s: " + what + "; " + describe());
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private static String describe() {
        List<Snapshot> all = table().snapshot();
        StringBuilder text = new StringBuilder();
        for (Snapshot one : all) {
            text.append(one.destination())
                    .append(" limit=")
                    .append(one.limit())
                    .append(" leased=")
                    .append(one.leased())
                    .append(" idle=")
                    .append(one.idle())
                    .append(" open=")
                    .append(one.open())
                    .append(" pending=")
                    .append(one.pending())
                    .append("; ");
        }
        return text.toString();
    }
}
