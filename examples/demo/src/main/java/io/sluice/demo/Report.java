package io.sluice.demo;

import static io.sluice.demo.Demo.INVOICES;
import static io.sluice.demo.Demo.WORKERS;

import io.sluice.demo.Demo.Measured;
import io.sluice.demo.Demo.Outcome;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Prints what the two runs showed, in lines of at most 80 columns. For one thread. */
final class Report {
    private static final int TIMELINE_COLUMNS = 60;

    private final Outcome outcome;
    private final PrintStream out;
    private final Timeline.Glyphs glyphs;

    Report(Outcome outcome, PrintStream out, Timeline.Glyphs glyphs) {
        this.outcome = outcome;
        this.out = out;
        this.glyphs = glyphs;
    }

    void print() {
        introduction();
        sideBySide();
        timeline();
        spans();
        outcome.faults().forEach(fault -> line("FAILED: %s", fault));
    }

    private void introduction() {
        line("An unmodified report job, run twice: %d workers fetch %d invoices from a server", WORKERS, INVOICES);
        line("that needs %d ms for each, 4 with HttpURLConnection (\"url\"), 4 with Apache", Partner.ANSWER_MILLIS);
        line("HttpClient 4.5 (\"apache\") and 4 with java.net.http (\"jdk\").");
        line("");
    }

    private void sideBySide() {
        Measured without = outcome.without();
        Measured with = outcome.with();
        row("", "java -jar report-job.jar", "java -javaagent:sluice-agent.jar");
        row("", "", "-jar report-job.jar");
        if (without.mostConnections().isPresent() && with.mostConnections().isPresent()) {
            row(
                    "most connections *",
                    without.mostConnections().getAsInt(),
                    with.mostConnections().getAsInt());
        } else {
            row("connections accepted *", without.acceptedConnections(), with.acceptedConnections());
        }
        row("invoices fetched", without.job().invoices(), with.job().invoices());
        row("errors", without.job().errors(), with.job().errors());
        row("total", without.job().total(), with.job().total());
        row("time", seconds(without), seconds(with));
        row("requests that waited", 0, outcome.spans().size());
        line(
                "* %s",
                with.mostConnections().isPresent()
                        ? "at one moment, as the kernel counted the server's ESTABLISHED sockets"
                        : "in total; how many at one moment, only Linux tells (/proc/net/tcp)");
        line("");
    }

    private void timeline() {
        line("Who waited how long with the agent: %s", glyphs.legend());
        line("");
        new Timeline(outcome.with().served(), outcome.spans())
                .lines(glyphs, TIMELINE_COLUMNS)
                .forEach(out::println);
        line("");
    }

    private void spans() {
        List<WaitSpan> spans = outcome.spans();
        Map<String, List<WaitSpan>> byClient = new TreeMap<>();
        for (WaitSpan span : spans) {
            byClient.computeIfAbsent(span.client(), client -> new ArrayList<>()).add(span);
        }
        line("%-32s%12s%12s%12s", spans.size() + " spans received by OTLP", "shortest", "median", "longest");
        byClient.forEach(this::waits);
        if (spans.isEmpty()) {
            return;
        }
        WaitSpan longest = spans.stream().max(WaitSpan.BY_DURATION).orElseThrow();
        line("");
        line("The longest of them:");
        line("  %s", longest.name());
        line("    %-26s%s", "kind", longest.kind());
        line("    %-26s%d ms", "duration", longest.durationMillis());
        line("    %-26s%s", "service.name", longest.service());
        longest.attributes().forEach((key, value) -> line("    %-26s%s", key, value));
    }

    private void waits(String client, List<WaitSpan> spans) {
        List<WaitSpan> sorted = new ArrayList<>(spans);
        sorted.sort(WaitSpan.BY_DURATION);
        line(
                "%4d %-27s%9d ms%9d ms%9d ms",
                sorted.size(),
                client,
                sorted.get(0).durationMillis(),
                sorted.get(sorted.size() / 2).durationMillis(),
                sorted.get(sorted.size() - 1).durationMillis());
    }

    private static String seconds(Measured run) {
        return String.format(Locale.ROOT, "%.2f s", run.job().millis() / 1000.0);
    }

    private void row(String label, Object without, Object with) {
        line("%-23s%24s%33s", label, without, with);
    }

    private void line(String format, Object... arguments) {
        out.println(String.format(Locale.ROOT, format, arguments));
    }
}
