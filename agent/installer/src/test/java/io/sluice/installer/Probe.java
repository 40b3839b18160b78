package io.sluice.installer;

import java.util.ArrayList;
import java.util.List;

/** What woven code tells the test; stands for the bridge. */
public final class Probe {
    static final List<String> CALLS = new ArrayList<>();
    static Class<?> helper;

    private Probe() {}

    /** A woven method began. */
    public static void entered(int number) {
        CALLS.add("entered " + number);
    }

    /** A woven method ended. */
    public static void left(Throwable thrown) {
        CALLS.add(thrown == null ? "left" : "left with " + thrown.getMessage());
    }

    /** Throws. */
    public static void fail(String where) {
        throw new IllegalArgumentException("advice fails on " + where);
    }

    /** Something happened. */
    public static void call(String what) {
        CALLS.add(what);
    }

    /** A helper was called. */
    public static void helped(Class<?> newHelper, Object client) {
        helper = newHelper;
        CALLS.add("helped " + client.getClass().getName());
    }
}
