package io.sluice.installer;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Takes what is logged instead of standard error, at a level, until it is closed. Not for tests that run in parallel. */
final class CapturedLog implements AutoCloseable {
    private final PrintStream before = System.err;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    CapturedLog(Log.Level level) {
        Log.forget();
        Log.level(level);
        System.setErr(new PrintStream(bytes, true));
    }

    List<String> lines() {
        String text = new String(bytes.toByteArray(), StandardCharsets.UTF_8);
        return text.isEmpty() ? Collections.emptyList() : Arrays.asList(text.split("\\R"));
    }

    @Override
    public void close() {
        System.setErr(before);
        Log.level(Log.Level.WARN);
        Log.forget();
    }
}
