package io.sluice.benchmarks;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Destination;
import io.sluice.limiter.LimiterTable;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One exchange on one kept connection of the loopback interface. It knows nothing of the agent but whether there should be
 * one, so that it can tell when what was measured is not what was meant.
 *
 * <p>Each exchange is timed by itself: the median of them says what an exchange takes when nobody else wants the processor.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ExchangeBenchmark {
    /** The port of an {@link AnswerServer}; without it the benchmark has one of its own, in its own JVM. */
    static final String PORT_PROPERTY = "benchmarks.port";
    /** {@code true} or {@code false}: whether the agent should be there. */
    static final String AGENT_PROPERTY = "benchmarks.agent";

    /** How many exchanges come before the warm-up. */
    static final String WARM_UP_PROPERTY = "benchmarks.warmup";

    private static final long WARM_UP_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(15);

    /** Whose exchange. */
    @Param
    public Client client = Client.HTTP_URL_CONNECTION;

    private int port;
    private long exchanges;
    private Client.@Nullable Session session;
    private @Nullable AnswerServer ownServer;

    /**
     * Opens the client and its connection. As JMH's warm-up is a time, in which a busy machine may compile next to nothing,
     * a number of exchanges comes before it.
     */
    @Setup
    public void setUp() throws IOException, InterruptedException {
        port = Integer.getInteger(PORT_PROPERTY, 0);
        if (port == 0) {
            ownServer = new AnswerServer();
            port = ownServer.port();
        }
        session = client.open(URI.create("http://127.0.0.1:" + port + "/"));
        long startNanos = System.nanoTime();
        int wanted = Integer.getInteger(WARM_UP_PROPERTY, 0);
        while (exchanges < wanted && System.nanoTime() - startNanos < WARM_UP_LIMIT_NANOS) {
            exchange();
        }
    }

    /** The exchange; returns the length of its body. */
    @Benchmark
    public int exchange() throws IOException, InterruptedException {
        if (session == null) {
            throw new IllegalStateException("setUp() was not called");
        }
        int bytes = session.exchange();
        if (bytes != AnswerServer.BODY_BYTES) {
            throw new IllegalStateException(bytes + " bytes came");
        }
        exchanges++;
        return bytes;
    }

    /** Checks that the limiter saw every exchange, or that there is none. */
    @TearDown
    public void tearDown() throws IOException {
        if (ownServer != null) {
            ownServer.close();
        }
        String agentExpected = System.getProperty(AGENT_PROPERTY);
        // With the agent, these are the classes of its bootstrap part, not those in this program's jar.
        LimiterTable table = ConnectionGate.table();
        if (agentExpected == null) {
            return;
        }
        if (!Boolean.parseBoolean(agentExpected)) {
            check(table == null, "there is an agent");
            return;
        }
        check(table != null, "there is no agent");
        if (table != null) {
            long releases = table.snapshot(Destination.server("http", "127.0.0.1", port))
                    .releases();
            check(releases >= exchanges, "the limiter saw " + releases + " of " + exchanges + " exchanges");
        }
    }

    private void check(boolean asItShouldBe, String complaint) {
        if (!asItShouldBe) {
            throw new IllegalStateException(client.title() + ": " + complaint);
        }
    }
}
