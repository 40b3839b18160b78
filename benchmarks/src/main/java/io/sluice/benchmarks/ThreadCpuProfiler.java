package io.sluice.benchmarks;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * The processor time of all Java threads per operation, in nanoseconds. It does not count the time in which somebody else
 * had the processor, nor the compiler's and the collector's threads; of threads that ended within an iteration it knows
 * nothing.
 */
public final class ThreadCpuProfiler implements InternalProfiler {
    /** The name of the result. */
    static final String RESULT = "threads.cpu.norm";

    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private Map<Long, Long> before = new HashMap<>();

    @Override
    public String getDescription() {
        return "processor time of all Java threads per operation";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        before = cpuNanos();
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
            BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
        long usedNanos = 0;
        for (Map.Entry<Long, Long> thread : cpuNanos().entrySet()) {
            usedNanos += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
        }
        long operations = Math.max(1, result.getMetadata().getAllOps());
        return List.of(new ScalarResult(RESULT, (double) usedNanos / operations, "ns/op", AggregationPolicy.AVG));
    }

    private Map<Long, Long> cpuNanos() {
        Map<Long, Long> nanos = new HashMap<>();
        for (long id : threads.getAllThreadIds()) {
            long used = threads.getThreadCpuTime(id);
            if (used >= 0) {
                nanos.put(id, used);
            }
        }
        return nanos;
    }
}
