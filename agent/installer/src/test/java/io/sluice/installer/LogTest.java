package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(10)
class LogTest {
    @ParameterizedTest
    @CsvSource({"OFF, 0", "WARN, 1", "INFO, 2", "DEBUG, 3"})
    void printsWhatTheLevelAllows(Log.Level level, int expected) {
        try (CapturedLog log = new CapturedLog(level)) {
            Log.warn("a");
            Log.info("b");
            Log.debug("c");
            assertThat(log.lines()).hasSize(expected);
            assertThat("[sluice] WARN a\n[sluice] INFO b\n[sluice] DEBUG c").startsWith(String.join("\n", log.lines()));
        }
    }

    @Test
    void printsARepeatedWarningOnce() {
        try (CapturedLog log = new CapturedLog(Log.Level.WARN)) {
            Log.warn("a");
            Log.warn("b");
            Log.warn("a");
            assertThat(log.lines()).containsExactly("[sluice] WARN a", "[sluice] WARN b");
        }
    }

    @Test
    void forgetsWarningsRatherThanGrowWithoutBound() {
        try (CapturedLog log = new CapturedLog(Log.Level.WARN)) {
            for (int i = 0; i < 1000; i++) {
                Log.warn("warning " + i);
            }
            Log.warn("warning 0");
            assertThat(log.lines()).hasSize(1001);
        }
    }

    @Test
    void printsOneLineForAFaultAndItsStackOnlyForDebug() {
        Exception fault = new IllegalStateException("two\nlines");
        try (CapturedLog log = new CapturedLog(Log.Level.WARN)) {
            Log.fault("it failed", fault);
            assertThat(log.lines())
                    .containsExactly("[sluice] WARN it failed: java.lang.IllegalStateException: two lines");
        }
        try (CapturedLog log = new CapturedLog(Log.Level.DEBUG)) {
            Log.fault("it failed", fault);
            assertThat(log.lines()).hasSizeGreaterThan(1);
        }
    }

    @Test
    void reportsFaultsWhileSystemErrIsMissing() {
        java.io.PrintStream before = System.err;
        try {
            System.setErr(null);
            Log.level(Log.Level.WARN);
            Log.warn("nobody reads this");
        } finally {
            System.setErr(before);
        }
    }
}
