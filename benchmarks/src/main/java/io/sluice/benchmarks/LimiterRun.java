package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;

/** Runs {@link LimiterBenchmark}: in each round every case with the lease and with the semaphore, one after the other. */
final class LimiterRun {
    /** One fork's figures per acquire and release. */
    private record Figures(double nanos, double cpuNanos) {}

    private record Case(String label, int threads, int limit, String aim, Ratios time, Ratios cpu) {
        Case(String label, int threads, int limit, String aim) {
            this(label, threads, limit, aim, new Ratios(), new Ratios());
        }

        void add(Figures lease, Figures semaphore) {
            time.add(lease.nanos / semaphore.nanos);
            cpu.add(lease.cpuNanos / semaphore.cpuNanos);
        }
    }

    private final Effort effort;
    private final List<Case> cases = new ArrayList<>();

    LimiterRun(Effort effort) {
        this.effort = effort;
        cases.add(new Case("uncontended, limit 2", 1, 2, "at most 2"));
        for (int limit : new int[] {1, 2}) {
            for (int threads : new int[] {4, 8}) {
                cases.add(new Case(
                        "hand-off, limit " + limit + ", " + threads + " threads", threads, limit, "at most 1"));
            }
        }
    }

    /** Blocks for the time that the effort allows. */
    void run(Table table) throws RunnerException {
        for (int round = 0; round < effort.rounds(); round++) {
            effort.progress("limiter", round);
            for (Case one : cases) {
                boolean leaseFirst = round % 2 == 0;
                Figures first = measure(one, leaseFirst);
                Figures second = measure(one, !leaseFirst);
                one.add(leaseFirst ? first : second, leaseFirst ? second : first);
            }
        }
        table.part("lease beside a permit of a fair Semaphore", "time", "processor time", "aim, of the time");
        for (Case one : cases) {
            table.row(one.label, one.time, one.cpu, one.aim);
        }
    }

    private Figures measure(Case one, boolean lease) throws RunnerException {
        ChainedOptionsBuilder options = Jmh.fork(
                        LimiterBenchmark.class,
                        lease ? "lease" : "fairSemaphore",
                        effort.limiterWarmup(),
                        effort.limiterMeasurement())
                .threads(one.threads)
                .param("limit", Integer.toString(one.limit))
                .addProfiler(ThreadCpuProfiler.class);
        RunResult result = Jmh.run(options);
        return new Figures(
                result.getPrimaryResult().getStatistics().getPercentile(50),
                Jmh.secondary(result, ThreadCpuProfiler.RESULT));
    }
}
