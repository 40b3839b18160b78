package io.sluice.demo;

import io.sluice.demo.Partner.Served;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/**
 * Draws who waited when: one row for each worker, from the spans that the agent sent and the exchanges that the server
 * saw.
 *
 * <p>A span does not say which thread waited. But a worker does one thing after the other, so its wait lies between the
 * end of its last exchange and the arrival of its next one, and the queue is served in order. That is enough to give
 * every wait its row, see {@link #assign}.
 *
 * <p>Each column is one moment, the middle of its span of time, not a sum over it: two exchanges of which one begins
 * when the other ends never share a column, and no column shows more exchanges than there were at once. Immutable.
 */
final class Timeline {
    private static final int LABEL = 10;
    /** The span's start comes from a clock that counts milliseconds. */
    private static final long TOLERANCE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    /** What the agent calls the client of a worker, by the part of the worker's name before the last dash. */
    private static final Map<String, String> CLIENTS =
            Map.of("url", "http-url-connection", "apache", "apache-httpclient-4", "jdk", "java-http-client");

    private final Map<String, Row> rows = new TreeMap<>();
    private final long startNanos;
    private final long endNanos;

    /** How the two states are drawn. */
    enum Glyphs {
        UNICODE('\u2591', '\u2588'),
        ASCII('.', '#');

        private final char waiting;
        private final char exchanging;

        Glyphs(char waiting, char exchanging) {
            this.waiting = waiting;
            this.exchanging = exchanging;
        }

        /** What the glyphs mean. */
        String legend() {
            return waiting + " waits for a connection, " + exchanging + " is answered";
        }
    }

    private static final class Row {
        private final List<Served> exchanges = new ArrayList<>();
        private final List<WaitSpan> waits = new ArrayList<>();

        boolean isWaiting(long nanos) {
            return waits.stream().anyMatch(wait -> wait.startNanos() <= nanos && nanos < wait.endNanos());
        }

        boolean isExchanging(long nanos) {
            return exchanges.stream().anyMatch(it -> it.arrivedNanos() <= nanos && nanos < it.answeredNanos());
        }

        long lastAnsweredNanos() {
            return exchanges.get(exchanges.size() - 1).answeredNanos();
        }

        long waitedMillis() {
            return TimeUnit.NANOSECONDS.toMillis(
                    waits.stream().mapToLong(WaitSpan::durationNanos).sum());
        }
    }

    /** An exchange and the end of the same worker's exchange before it: between them lies the wait, if there was one. */
    private record Turn(Row row, long sinceNanos, Served exchange) {
        boolean fits(WaitSpan wait) {
            return wait.client().equals(CLIENTS.get(client(exchange.worker())))
                    && wait.startNanos() >= sinceNanos - TOLERANCE_NANOS
                    && wait.endNanos() <= exchange.arrivedNanos() + TOLERANCE_NANOS;
        }
    }

    Timeline(List<Served> served, List<WaitSpan> waits) {
        startNanos = LongStream.concat(
                        served.stream().mapToLong(Served::arrivedNanos),
                        waits.stream().mapToLong(WaitSpan::startNanos))
                .min()
                .orElse(0);
        endNanos = served.stream().mapToLong(Served::answeredNanos).max().orElse(startNanos);
        List<Served> byArrival = new ArrayList<>(served);
        byArrival.sort(Comparator.comparingLong(Served::arrivedNanos));
        List<Turn> turns = new ArrayList<>();
        for (Served exchange : byArrival) {
            Row row = rows.computeIfAbsent(exchange.worker(), worker -> new Row());
            turns.add(new Turn(row, row.exchanges.isEmpty() ? startNanos : row.lastAnsweredNanos(), exchange));
            row.exchanges.add(exchange);
        }
        assign(turns, waits);
    }

    /**
     * Gives every wait to the worker whose exchange followed it. From the last arrival back to the first, each takes the
     * last wait that fits and is still free: an exchange that did not wait comes early, or follows upon the worker's
     * last one at once, so that it takes no other's wait.
     */
    private static void assign(List<Turn> turns, List<WaitSpan> waits) {
        List<WaitSpan> free = new ArrayList<>(waits);
        free.sort(WaitSpan.BY_END.reversed());
        Collections.reverse(turns);
        for (Turn turn : turns) {
            free.stream().filter(turn::fits).findFirst().ifPresent(wait -> {
                turn.row.waits.add(wait);
                free.remove(wait);
            });
        }
    }

    /** The drawing: a scale, a row for each worker, and below them how many exchanges the server had at each moment. */
    List<String> lines(Glyphs glyphs, int columns) {
        List<String> lines = new ArrayList<>();
        String end = String.format(Locale.ROOT, "%.2f s", (endNanos - startNanos) / 1e9);
        lines.add(pad("") + "0 s" + " ".repeat(columns - 3 - end.length()) + end + "    waited");
        int[] exchanging = new int[columns];
        rows.forEach((worker, row) -> {
            StringBuilder line = new StringBuilder(pad(worker));
            for (int column = 0; column < columns; column++) {
                long nanos = startNanos + (2L * column + 1) * (endNanos - startNanos) / (2L * columns);
                if (row.isExchanging(nanos)) {
                    exchanging[column]++;
                    line.append(glyphs.exchanging);
                } else {
                    line.append(row.isWaiting(nanos) ? glyphs.waiting : ' ');
                }
            }
            lines.add(line + String.format(Locale.ROOT, "%7d ms", row.waitedMillis()));
        });
        StringBuilder sums = new StringBuilder(pad("together"));
        for (int count : exchanging) {
            sums.append(count == 0 ? " " : count < 10 ? Integer.toString(count) : "+");
        }
        lines.add(sums.toString().stripTrailing());
        return lines;
    }

    private static String pad(String label) {
        return String.format("%-" + LABEL + "s", label);
    }

    private static String client(String worker) {
        return worker.replaceAll("-\\d+$", "");
    }
}
