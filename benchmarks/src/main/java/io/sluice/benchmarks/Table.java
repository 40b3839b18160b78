package io.sluice.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Titled rows of text, with columns of one width. For one thread. */
final class Table {
    private final List<String> lines = new ArrayList<>();

    /** Begins a part. */
    void part(String title, String first, String second, String third) {
        lines.add("");
        lines.add(line(title, first, second, third));
    }

    void row(String label, Object first, Object second, Object third) {
        lines.add(line("  " + label, first, second, third));
    }

    private static String line(String label, Object first, Object second, Object third) {
        return String.format(Locale.ROOT, "%-42s%-23s%-23s%s", label, first, second, third)
                .stripTrailing();
    }

    void print(PrintStream out) {
        lines.forEach(out::println);
    }
}
