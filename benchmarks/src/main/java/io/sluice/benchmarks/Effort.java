package io.sluice.benchmarks;

import io.sluice.benchmarks.Jmh.Duration;

/**
 * How much time is spent. A round is every case once; more rounds make the medians better, longer measurements do not make
 * up for them.
 */
record Effort(
        int rounds,
        Duration limiterWarmup,
        Duration limiterMeasurement,
        int exchangesBefore,
        Duration exchangeWarmup,
        Duration exchangeMeasurement,
        int startsPerRound) {

    /** Good enough to compare with the aims, on a machine that does nothing else. */
    static Effort full(int rounds) {
        return new Effort(
                rounds,
                new Duration(2, 700),
                new Duration(5, 200),
                30_000,
                new Duration(1, 500),
                new Duration(9, 250),
                5);
    }

    /** Shows that everything works; its figures mean little. */
    static Effort quick() {
        return new Effort(
                1, new Duration(1, 200), new Duration(3, 100), 200, new Duration(1, 300), new Duration(3, 100), 2);
    }

    void progress(String part, int round) {
        System.err.printf("%s: round %d of %d%n", part, round + 1, rounds);
    }
}
