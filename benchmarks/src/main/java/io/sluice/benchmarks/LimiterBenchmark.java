package io.sluice.benchmarks;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Clock;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Reporter;
import io.sluice.limiter.Wait;
import io.sluice.limiter.WaitListener;
import java.util.concurrent.Semaphore;
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

/**
 * Acquires and releases without doing anything between: a lease of the limiter, beside a permit of a fair semaphore. With
 * one thread that is the uncontended path, with more threads than the limit the hand-off from one thread to the next.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LimiterBenchmark {
    /** How many may hold one at a time. */
    @Param({"1", "2"})
    public int limit;

    private final Ask ask = Ask.direct("benchmark", Destination.server("http", "localhost", 80));
    private LimiterTable table = table(1);
    private Semaphore semaphore = new Semaphore(1, true);

    /** Makes both with the limit of this trial. */
    @Setup
    public void setUp() {
        table = table(limit);
        semaphore = new Semaphore(limit, true);
    }

    private static LimiterTable table(int limit) {
        return new LimiterTable(
                Limits.builder().maxConnectionsPerServer(limit).build(),
                new NoListener(),
                new FailingReporter(),
                task -> {
                    throw new IllegalStateException("nothing here is to run in the background");
                },
                Clock.SYSTEM,
                () -> {});
    }

    /** As a blocking client does it: asks, parks if it must, and gives back. */
    @Benchmark
    public Lease lease() {
        Lease lease = table.ask(ask);
        if (!lease.isGranted() && !lease.await(0)) {
            throw new IllegalStateException(lease.refusal());
        }
        lease.release();
        return lease;
    }

    /** What a lease is measured by. */
    @Benchmark
    public Semaphore fairSemaphore() throws InterruptedException {
        semaphore.acquire();
        semaphore.release();
        return semaphore;
    }

    private static final class NoListener implements WaitListener {
        @Override
        public @Nullable Object captureContext() {
            return null;
        }

        @Override
        public void ended(Wait wait) {}
    }

    private static final class FailingReporter implements Reporter {
        @Override
        public void warn(String message) {
            throw new IllegalStateException(message);
        }

        @Override
        public void fault(Throwable fault) {
            throw new IllegalStateException(fault);
        }
    }
}
