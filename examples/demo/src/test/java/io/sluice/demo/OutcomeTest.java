package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.demo.Demo.Measured;
import io.sluice.demo.Demo.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The demo must not show a success that was none. */
@Timeout(20)
class OutcomeTest {
    private static final String TOTAL = Partner.total(Demo.INVOICES).toString();
    private static final JobRun GOOD = job(0, TOTAL, "");
    private static final WaitSpan SPAN = new WaitSpan(
            "HTTP wait_for_connection 127.0.0.1:8080", "INTERNAL", 0, 1, Map.of("sluice.client", "x"), "report-job");

    @Test
    void goodRunsHaveNoFaults() {
        assertThat(outcome(GOOD, OptionalInt.of(2), 38).faults()).isEmpty();
    }

    @Test
    void aThirdConnectionIsAFault() {
        assertThat(outcome(GOOD, OptionalInt.of(3), 38).faults())
                .containsExactly("with the agent there were 3 connections");
    }

    @Test
    void missingSpansAreAFault() {
        assertThat(outcome(GOOD, OptionalInt.of(2), 27).faults()).containsExactly("27 spans came for 40 requests");
    }

    @Test
    void aWrongTotalAndAnExitCodeAreFaults() {
        assertThat(outcome(job(1, "7.00", ""), OptionalInt.of(2), 38).faults())
                .containsExactly(
                        "the job ended with exit code 1 with the agent",
                        "the total is 7.00 with the agent, not " + TOTAL);
    }

    @Test
    void anythingOnStandardErrorIsAFault() {
        assertThat(outcome(job(0, TOTAL, "oops"), OptionalInt.of(2), 38).faults())
                .containsExactly("something was printed with the agent: oops");
    }

    @Test
    void withoutAKernelThatCountsAcceptedConnectionsAreShown() {
        Outcome outcome = new Outcome(
                measured(GOOD, OptionalInt.empty(), 12), measured(GOOD, OptionalInt.empty(), 31), spans(38));
        assertThat(outcome.faults()).isEmpty();
        assertThat(printed(outcome))
                .containsPattern("connections accepted \\* +12 +31\n")
                .contains("only Linux tells");
    }

    private static String printed(Outcome outcome) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        new Report(outcome, out, Timeline.Glyphs.UNICODE).print();
        return bytes.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
    }

    private static Outcome outcome(JobRun withAgent, OptionalInt connections, int spans) {
        return new Outcome(measured(GOOD, OptionalInt.of(12), 12), measured(withAgent, connections, 31), spans(spans));
    }

    private static Measured measured(JobRun job, OptionalInt most, int accepted) {
        return new Measured(job, most, accepted, List.of(), 8080);
    }

    private static List<WaitSpan> spans(int count) {
        return Collections.nCopies(count, SPAN);
    }

    private static JobRun job(int exitCode, String total, String stderr) {
        return new JobRun(exitCode, Demo.INVOICES, 0, total, 1000, stderr);
    }
}
