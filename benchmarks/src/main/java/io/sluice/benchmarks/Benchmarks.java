package io.sluice.benchmarks;

import java.io.File;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.net.URI;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The program: measures what Sluice costs and prints ratios. */
public final class Benchmarks {
    private static final int DEFAULT_ROUNDS = 4;
    private static final Set<String> PARTS = Set.of("limiter", "exchange", "startup");
    private static final String USAGE =
            "usage: java -jar benchmarks.jar [quick | rounds=N] [agent=sluice-agent.jar] [limiter] [exchange] [startup]";

    private final Set<String> parts = new LinkedHashSet<>();
    private Effort effort = Effort.full(DEFAULT_ROUNDS);
    private File agentJar;

    private Benchmarks(File agentJar) {
        this.agentJar = agentJar;
    }

    /**
     * Runs the parts that are named, or all of them; takes some six minutes by default. Standard output gets the table,
     * standard error tells how far it is.
     */
    public static void main(String[] args) throws Exception {
        Benchmarks benchmarks = new Benchmarks(agentJarBesideThis());
        for (String arg : args) {
            if (!benchmarks.understands(arg)) {
                System.err.println(USAGE);
                System.exit(2);
            }
        }
        if (!benchmarks.agentJar.isFile()) {
            System.err.println("there is no agent jar; build it, or name it: " + USAGE);
            System.exit(2);
        }
        benchmarks.run(System.out);
    }

    private boolean understands(String arg) {
        if (arg.equals("quick")) {
            effort = Effort.quick();
        } else if (arg.matches("rounds=[1-9]\\d{0,3}")) {
            effort = Effort.full(Integer.parseInt(arg.substring("rounds=".length())));
        } else if (arg.startsWith("agent=")) {
            agentJar = new File(arg.substring("agent=".length())).getAbsoluteFile();
        } else {
            return PARTS.contains(arg) && (parts.add(arg) || parts.contains(arg));
        }
        return true;
    }

    private boolean wants(String part) {
        return parts.isEmpty() || parts.contains(part);
    }

    private void run(PrintStream out) throws Exception {
        OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
        double loadBefore = system.getSystemLoadAverage();
        long startNanos = System.nanoTime();
        Table table = new Table();
        if (wants("limiter")) {
            new LimiterRun(effort).run(table);
        }
        if (wants("exchange")) {
            new ExchangeRun(effort, agentJar).run(table);
        }
        if (wants("startup")) {
            new StartUpRun(effort, agentJar).run(table);
        }
        out.printf(
                Locale.ROOT,
                "JDK %s, %d processors, load %.1f at the beginning, %d rounds in %d s%n",
                Runtime.version(),
                system.getAvailableProcessors(),
                loadBefore,
                effort.rounds(),
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startNanos));
        out.println("Ratios: the median, and the lowest and the highest of all rounds. 1.00 is: no difference.");
        table.print(out);
    }

    /** {@code agent/dist/target/sluice-agent.jar} of the checkout in which this program was built. */
    private static File agentJarBesideThis() throws Exception {
        URI code = Benchmarks.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI();
        File target = new File(code).getParentFile();
        return new File(target, "../../agent/dist/target/sluice-agent.jar").getCanonicalFile();
    }
}
