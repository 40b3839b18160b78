package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.demo.Partner.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class TimelineTest {
    /** Any date will do; the test's own times are milliseconds from here. */
    private static final long ORIGIN = 1_700_000_000_000_000_000L;

    private final List<Served> served = new ArrayList<>();
    private final List<WaitSpan> waits = new ArrayList<>();

    @Test
    void showsWaitsAndExchangesOfEveryWorker() {
        served("url-1", 0, 100);
        served("apache-1", 100, 200);
        served("url-1", 200, 300);
        waited("apache-httpclient-4", 0, 100);
        waited("http-url-connection", 100, 200);

        assertThat(lines(Timeline.Glyphs.UNICODE, 30))
                .containsExactly(
                        "          0 s                     0.30 s    waited",
                        "apache-1  ░░░░░░░░░░██████████              100 ms",
                        "url-1     ██████████░░░░░░░░░░██████████    100 ms",
                        "together  111111111111111111111111111111");
    }

    @Test
    void drawsWithAsciiWhereTheTerminalKnowsNothingElse() {
        served("url-1", 0, 100);
        served("url-2", 100, 200);
        waited("http-url-connection", 0, 100);

        assertThat(String.join("", lines(Timeline.Glyphs.ASCII, 20)))
                .contains("url-2     ..........##########")
                .matches("\\p{ASCII}+");
        assertThat(Timeline.Glyphs.ASCII.legend()).matches("\\p{ASCII}+");
    }

    @Test
    void countsNoExchangesTwiceThatFollowEachOther() {
        for (int i = 0; i < 50; i++) {
            served("jdk-" + i % 3, 7L * i, 7L * i + 7);
        }

        List<String> lines = lines(Timeline.Glyphs.ASCII, 60);
        assertThat(lines.get(lines.size() - 1)).isEqualTo("together  " + "1".repeat(60));
    }

    @Test
    void givesAWaitToTheExchangeThatFollowedIt() {
        served("url-1", 0, 100);
        served("url-2", 100, 200);
        served("url-3", 200, 300);
        served("url-1", 300, 400);
        waited("http-url-connection", 0, 100);
        waited("http-url-connection", 0, 200);
        waited("http-url-connection", 100, 300);

        assertThat(lines(Timeline.Glyphs.ASCII, 40))
                .contains(
                        "url-1     ##########....................##########    200 ms",
                        "url-2     ..........##########                        100 ms",
                        "url-3     ....................##########              200 ms");
    }

    @Test
    void leavesTheWaitsOfOtherClientsToThem() {
        served("url-1", 100, 200);
        served("jdk-1", 101, 201);
        waited("http-url-connection", 0, 99);
        waited("java-http-client", 0, 50);

        assertThat(lines(Timeline.Glyphs.ASCII, 20))
                .anySatisfy(line -> assertThat(line).startsWith("url-1").endsWith(" 99 ms"))
                .anySatisfy(line -> assertThat(line).startsWith("jdk-1").endsWith(" 50 ms"));
    }

    @Test
    void aSlowFirstConnectionTakesNoOthersWait() {
        served("jdk-1", 150, 250);
        served("jdk-2", 160, 260);
        waited("java-http-client", 0, 100);

        assertThat(lines(Timeline.Glyphs.ASCII, 20))
                .anySatisfy(line -> assertThat(line).startsWith("jdk-1").endsWith(" 0 ms"))
                .anySatisfy(line -> assertThat(line).startsWith("jdk-2").endsWith(" 100 ms"));
    }

    private List<String> lines(Timeline.Glyphs glyphs, int columns) {
        return new Timeline(served, waits).lines(glyphs, columns);
    }

    private void served(String worker, long fromMillis, long toMillis) {
        served.add(new Served(worker, ORIGIN + fromMillis * 1_000_000, ORIGIN + toMillis * 1_000_000));
    }

    private void waited(String client, long fromMillis, long toMillis) {
        waits.add(new WaitSpan(
                "HTTP wait_for_connection 127.0.0.1:80",
                "INTERNAL",
                ORIGIN + fromMillis * 1_000_000,
                ORIGIN + toMillis * 1_000_000,
                Map.of("sluice.client", client),
                "report-job"));
    }
}
