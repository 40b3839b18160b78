package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What each client printed at the end of each {@link HttpProgram#load}; of several, the worst counts. */
final class LoadReport {

    private static final Pattern LINE =
            Pattern.compile("\\[load (\\S+)] exchanges=(\\d+) failed=(\\d+) mean=(\\d+) longest=(\\d+) ms");

    private final String stdout;
    private final Map<String, Long> longestMillis = new TreeMap<>();
    private final Map<String, Long> meanMillis = new TreeMap<>();

    LoadReport(String stdout) {
        this.stdout = stdout;
        Matcher lines = LINE.matcher(stdout);
        while (lines.find()) {
            assertThat(lines.group(3))
                    .as("failures of %s in %s", lines.group(1), stdout)
                    .isEqualTo("0");
            meanMillis.merge(lines.group(1), Long.parseLong(lines.group(4)), Math::max);
            longestMillis.merge(lines.group(1), Long.parseLong(lines.group(5)), Math::max);
        }
    }

    /**
     * In a fair queue all wait about the same: no client's longest wait is beyond three times the mean of all, with half
     * a second for a machine that has other things to do.
     */
    void assertNobodyStarved(int clients) {
        assertThat(longestMillis).as(stdout).hasSize(clients);
        long meanOfAll = meanMillis.values().stream().mapToLong(Long::longValue).sum() / clients;
        assertThat(longestMillis.values()).as(stdout).allMatch(longest -> longest <= 3 * meanOfAll + 500);
    }
}
