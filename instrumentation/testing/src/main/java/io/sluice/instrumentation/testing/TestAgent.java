package io.sluice.instrumentation.testing;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Destination;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import java.util.Arrays;
import java.util.Map;
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

    /** Waits until something is so; fails after twenty seconds. Looks again every millisecond. */
    public static void await(String what, Callable<Boolean> condition) throws Exception {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.call()) {
            if (System.nanoTime() - endNanos > 0) {
                throw new AssertionError("not within 20 s: " + what + "; " + describe());
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    /** The figures of the destinations in use, and where every thread is that runs more than the JDK's code. */
    private static String describe() {
        StringBuilder text = new StringBuilder();
        for (Snapshot one : table().snapshot()) {
            if (one.leased() + one.idle() + one.open() + one.pending() == 0) {
                continue;
            }
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
        for (Map.Entry<Thread, StackTraceElement[]> one :
                Thread.getAllStackTraces().entrySet()) {
            if (Arrays.stream(one.getValue()).anyMatch(frame -> !isOfTheJdk(frame.getClassName()))) {
                text.append("\n").append(one.getKey());
                for (StackTraceElement frame : one.getValue()) {
                    text.append("\n    at ").append(frame);
                }
            }
        }
        return text.toString();
    }

    private static boolean isOfTheJdk(String className) {
        return className.startsWith("java.") || className.startsWith("jdk.") || className.startsWith("sun.");
    }
}
