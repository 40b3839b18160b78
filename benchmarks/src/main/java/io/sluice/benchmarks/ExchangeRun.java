package io.sluice.benchmarks;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;

/** Runs {@link ExchangeBenchmark}: in each round every client without and with the agent, one after the other. */
final class ExchangeRun {
    /** JMH's name for what {@link GCProfiler} counts per operation. */
    private static final String BYTES = "gc.alloc.rate.norm";

    /** One fork's figures per exchange. */
    private record Figures(double micros, double cpuNanos, double bytes) {}

    /** What the rounds showed of one client. */
    private static final class Compared {
        final Ratios time = new Ratios();
        final Ratios cpu = new Ratios();
        final List<Double> bytesWithout = new ArrayList<>();
        final List<Double> bytesWith = new ArrayList<>();

        void add(Figures without, Figures with) {
            time.add(with.micros / without.micros);
            cpu.add(with.cpuNanos / without.cpuNanos);
            bytesWithout.add(without.bytes);
            bytesWith.add(with.bytes);
        }

        String bytes() {
            double without = Ratios.median(bytesWithout);
            double with = Ratios.median(bytesWith);
            return String.format(Locale.ROOT, "%.2f (%+.0f B)", with / without, with - without);
        }
    }

    private final Effort effort;
    private final File agentJar;
    private final Map<Client, Compared> compared = new EnumMap<>(Client.class);

    ExchangeRun(Effort effort, File agentJar) {
        this.effort = effort;
        this.agentJar = agentJar;
    }

    /** Blocks for the time that the effort allows. */
    void run(Table table) throws RunnerException, IOException {
        try (ServerProcess server = new ServerProcess()) {
            for (int round = 0; round < effort.rounds(); round++) {
                effort.progress("exchange", round);
                for (Client client : Client.values()) {
                    boolean agentFirst = round % 2 == 1;
                    Figures first = measure(client, server.port(), agentFirst);
                    Figures second = measure(client, server.port(), !agentFirst);
                    compared.computeIfAbsent(client, any -> new Compared())
                            .add(agentFirst ? second : first, agentFirst ? first : second);
                }
            }
        }
        table.part("exchange with the agent beside without", "time (aim: 1.02)", "processor time", "bytes allocated");
        compared.forEach((client, result) -> table.row(client.title(), result.time, result.cpu, result.bytes()));
    }

    private Figures measure(Client client, int port, boolean agent) throws RunnerException {
        List<String> jvmOptions = new ArrayList<>(List.of(
                "-D" + ExchangeBenchmark.PORT_PROPERTY + "=" + port,
                "-D" + ExchangeBenchmark.AGENT_PROPERTY + "=" + agent,
                "-D" + ExchangeBenchmark.WARM_UP_PROPERTY + "=" + effort.exchangesBefore()));
        if (agent) {
            jvmOptions.add("-javaagent:" + agentJar);
        }
        ChainedOptionsBuilder options = Jmh.fork(
                        ExchangeBenchmark.class, "exchange", effort.exchangeWarmup(), effort.exchangeMeasurement())
                .param("client", client.name())
                .jvmArgsAppend(jvmOptions.toArray(new String[0]))
                .addProfiler(GCProfiler.class)
                .addProfiler(ThreadCpuProfiler.class);
        RunResult result = Jmh.run(options);
        return new Figures(
                result.getPrimaryResult().getStatistics().getPercentile(50),
                Jmh.secondary(result, ThreadCpuProfiler.RESULT),
                Jmh.secondary(result, BYTES));
    }
}
