package io.sluice.demo;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Runs the report job twice, without and with the agent, each time against a new server, and prints both side by side.
 *
 * <p>Arguments: the agent's jar and the job's jar. Exit code 0 if the agent did what it promises, 1 if not; then the
 * last lines say what is wrong.
 */
public final class Demo {
    static final int INVOICES = 40;
    static final int WORKERS = 12;
    static final int LIMIT = 2;

    private Demo() {}

    /** Runs the demo. */
    public static void main(String[] args) throws InterruptedException {
        Charset charset = terminalCharset();
        PrintStream out = new PrintStream(System.out, true, charset);
        Timeline.Glyphs glyphs = charset.name().startsWith("UTF") ? Timeline.Glyphs.UNICODE : Timeline.Glyphs.ASCII;
        try {
            Outcome outcome = run(new File(args[0]), new File(args[1]));
            new Report(outcome, out, glyphs).print();
            System.exit(outcome.faults().isEmpty() ? 0 : 1);
        } catch (IOException e) {
            out.println("FAILED: " + e.getMessage());
            System.exit(1);
        }
    }

    /** What one run showed. */
    record Measured(
            JobRun job, OptionalInt mostConnections, int acceptedConnections, List<Partner.Served> served, int port) {}

    /** What both runs showed. */
    record Outcome(Measured without, Measured with, List<WaitSpan> spans) {
        /** What is not as it should be, a sentence each; empty if the agent did what it promises. */
        List<String> faults() {
            List<String> faults = new ArrayList<>();
            check(faults, "without the agent", without.job);
            check(faults, "with the agent", with.job);
            if (without.mostConnections.isPresent() && without.mostConnections.getAsInt() <= LIMIT) {
                faults.add("without the agent there were no more than " + LIMIT + " connections: nothing to be shown");
            }
            if (with.mostConnections.isPresent() && with.mostConnections.getAsInt() > LIMIT) {
                faults.add("with the agent there were " + with.mostConnections.getAsInt() + " connections");
            }
            // Only the first request of a worker may find a free connection: later ones find the others waiting.
            if (spans.size() < INVOICES - WORKERS || spans.size() > INVOICES) {
                faults.add(spans.size() + " spans came for " + INVOICES + " requests");
            }
            String name = "HTTP wait_for_connection 127.0.0.1:" + with.port;
            if (!spans.stream().allMatch(span -> span.name().equals(name))) {
                faults.add("there are spans that are not named \"" + name + "\"");
            }
            return faults;
        }

        private static void check(List<String> faults, String run, JobRun job) {
            if (job.exitCode() != 0) {
                faults.add("the job ended with exit code " + job.exitCode() + " " + run);
            }
            if (!job.total().equals(Partner.total(INVOICES).toString())) {
                faults.add("the total is " + job.total() + " " + run + ", not " + Partner.total(INVOICES));
            }
            if (!job.stderr().isEmpty()) {
                faults.add("something was printed " + run + ": " + job.stderr());
            }
        }
    }

    /**
     * Runs the job twice; blocks for some seconds.
     *
     * @throws IOException if the job could not be run to its end
     */
    static Outcome run(File agentJar, File jobJar) throws IOException, InterruptedException {
        Measured without = measure(jobJar, List.of(), Map.of());
        try (SpanReceiver receiver = new SpanReceiver()) {
            Map<String, String> telemetry = Map.of(
                    "OTEL_TRACES_EXPORTER", "otlp",
                    "OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint(),
                    "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf",
                    "OTEL_SERVICE_NAME", "report-job");
            Measured with = measure(jobJar, List.of("-javaagent:" + agentJar), telemetry);
            return new Outcome(without, with, receiver.spans());
        }
    }

    private static Measured measure(File jobJar, List<String> jvmOptions, Map<String, String> environment)
            throws IOException, InterruptedException {
        try (Partner partner = new Partner()) {
            JobRun job = JobRun.start(jobJar, jvmOptions, environment, partner.url(), INVOICES);
            return new Measured(
                    job, partner.mostConnections(), partner.acceptedConnections(), partner.served(), partner.port());
        }
    }

    /** What the terminal understands; JDK 17 and earlier have no property for it that is always there. */
    private static Charset terminalCharset() {
        for (String key : new String[] {"stdout.encoding", "sun.stdout.encoding", "native.encoding"}) {
            String name = System.getProperty(key);
            if (name != null && Charset.isSupported(name)) {
                return Charset.forName(name);
            }
        }
        return Charset.defaultCharset();
    }
}
