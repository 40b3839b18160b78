package io.sluice.benchmarks;

import java.util.Collection;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs one benchmark method in one JVM of its own: JMH by itself runs all forks of one method before those of the next. */
final class Jmh {
    private Jmh() {}

    /** Options for one fork of one method, silent, failing on the first error. */
    static ChainedOptionsBuilder fork(Class<?> benchmark, String method, Duration warmup, Duration measurement) {
        return new OptionsBuilder()
                .include("^" + benchmark.getName().replace(".", "\\.") + "\\." + method + "$")
                .forks(1)
                .warmupIterations(warmup.iterations)
                .warmupTime(TimeValue.milliseconds(warmup.millis))
                .measurementIterations(measurement.iterations)
                .measurementTime(TimeValue.milliseconds(measurement.millis))
                .jvmArgs("-Xms256m", "-Xmx256m")
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
    }

    /** Blocks until the fork has ended. */
    static RunResult run(ChainedOptionsBuilder options) throws RunnerException {
        Collection<RunResult> results = new Runner(options.build()).run();
        if (results.size() != 1) {
            throw new IllegalStateException(results.size() + " results, not one");
        }
        return results.iterator().next();
    }

    /** What a profiler found in the median iteration: one without a processor has few operations, whose mean says nothing. */
    static double secondary(RunResult result, String name) {
        Result<?> figure = result.getSecondaryResults().get(name);
        if (figure == null) {
            throw new IllegalStateException("there is no " + name + " in "
                    + result.getSecondaryResults().keySet());
        }
        return figure.getStatistics().getPercentile(50);
    }

    /** How long something is run. */
    record Duration(int iterations, int millis) {}
}
