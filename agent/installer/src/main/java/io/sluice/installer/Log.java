package io.sluice.installer;

import java.io.PrintStream;
import java.util.HashSet;
import java.util.Set;

/**
 * The lines that a user sees, on standard error: {@code [sluice] WARN ...}. Safe for use by any thread, never throws.
 *
 * <p>Not {@code java.util.logging}: its log manager belongs to the program, which may want to set it before anybody
 * uses it (WildFly does).
 */
public final class Log {
    /** How much is printed; each includes those before it. */
    public enum Level {
        /** Nothing. */
        OFF,
        /** What deserves attention; each text once. */
        WARN,
        /** The start-up line, and changes of settings. */
        INFO,
        /** What is woven, and stack traces of faults. */
        DEBUG
    }

    /** Bounds the memory for texts already seen; when it is full, all are forgotten and may appear once more. */
    private static final int REMEMBERED = 500;

    private static final Set<String> SEEN = new HashSet<String>();
    private static volatile Level level = Level.WARN;

    private Log() {}

    /** Prints this much from now on. */
    static void level(Level newLevel) {
        level = newLevel;
    }

    /** What deserves attention. The same text again is not printed. */
    public static void warn(String message) {
        if (isOn(Level.WARN) && isNew(message)) {
            print("WARN", message);
        }
    }

    /** A fault of ours: what was done about it, and what it was. */
    public static void fault(String message, Throwable fault) {
        warn(message + ": " + fault);
        if (isOn(Level.DEBUG)) {
            for (StackTraceElement frame : fault.getStackTrace()) {
                print("DEBUG", "    at " + frame);
            }
        }
    }

    /** What a curious user wants to know. */
    public static void info(String message) {
        if (isOn(Level.INFO)) {
            print("INFO", message);
        }
    }

    /** What we want to know. */
    public static void debug(String message) {
        if (isOn(Level.DEBUG)) {
            print("DEBUG", message);
        }
    }

    private static boolean isOn(Level needed) {
        return level.compareTo(needed) >= 0;
    }

    private static boolean isNew(String message) {
        synchronized (SEEN) {
            if (SEEN.size() >= REMEMBERED) {
                SEEN.clear();
            }
            return SEEN.add(message);
        }
    }

    private static void print(String level, String message) {
        PrintStream err = System.err; // now, since the program may have replaced it
        if (err != null) {
            err.println("[sluice] " + level + " " + message.replace('\n', ' ').replace('\r', ' '));
        }
    }

    /** For tests: as if nothing had been printed yet. */
    static void forget() {
        synchronized (SEEN) {
            SEEN.clear();
        }
    }
}
