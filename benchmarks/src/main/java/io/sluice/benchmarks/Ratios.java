package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** The same comparison made some times over. The median is the answer, lowest and highest tell how far to trust it. */
final class Ratios {
    private final List<Double> values = new ArrayList<>();

    void add(double ratio) {
        values.add(ratio);
    }

    double median() {
        return median(values);
    }

    /** The median of at least one value. */
    static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** {@code 1.02 [0.98 .. 1.05]}. */
    @Override
    public String toString() {
        if (values.isEmpty()) {
            return "-";
        }
        return String.format(
                Locale.ROOT, "%.2f [%.2f .. %.2f]", median(), Collections.min(values), Collections.max(values));
    }
}
