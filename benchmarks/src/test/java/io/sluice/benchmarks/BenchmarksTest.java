package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

@Timeout(60)
class BenchmarksTest {
    @Test
    void everyBenchmarkRuns() throws RunnerException {
        // Two methods with two limits each.
        assertThat(runOnce(LimiterBenchmark.class, 1)).hasSize(4);
        assertThat(runOnce(ExchangeBenchmark.class, 1)).hasSize(Client.values().length);
    }

    @Test
    void leasesAreHandedOnWhereThreadsOutnumberThem() throws RunnerException {
        assertThat(runOnce(LimiterBenchmark.class, 4)).hasSize(4);
    }

    @Test
    void ratiosShowMedianAndRange() {
        Ratios ratios = new Ratios();
        ratios.add(3);
        ratios.add(1);
        ratios.add(1.5);

        assertThat(ratios).hasToString("1.50 [1.00 .. 3.00]");
    }

    private static Collection<RunResult> runOnce(Class<?> benchmark, int threads) throws RunnerException {
        return new Runner(new OptionsBuilder()
                        .include("^" + benchmark.getName().replace(".", "\\.") + "\\..*")
                        .mode(Mode.SingleShotTime)
                        .forks(0)
                        .warmupIterations(0)
                        .measurementIterations(1)
                        .threads(threads)
                        .shouldFailOnError(true)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .run();
    }
}
