package io.sluice.installer;

import io.sluice.limiter.Limits;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What holds, after all sources were asked. Immutable. */
public final class Settings {
    /** What is done about responses that are never closed. */
    public enum LeakDetection {
        /** Nothing. */
        OFF,
        /** They are reclaimed, with a warning. */
        ON,
        /** The warning says where they were opened. */
        STACK
    }

    private final Limits limits;
    private final Log.Level log;
    private final LeakDetection leakDetection;
    private final Relocations relocations;
    private final Map<String, String> values;

    private Settings(Builder from) {
        limits = from.limits.build();
        log = from.log;
        leakDetection = from.leakDetection;
        relocations = from.relocations;
        values = from.values;
    }

    /** The limits, and what is done with them. */
    public Limits limits() {
        return limits;
    }

    /** How much is printed. */
    public Log.Level log() {
        return log;
    }

    /** What is done about responses that are never closed; reserved, nothing asks for it yet. */
    public LeakDetection leakDetection() {
        return leakDetection;
    }

    /** Which copies of clients the program has under other package names; only those at the start count. */
    Relocations relocations() {
        return relocations;
    }

    /** The value that holds for a whole key, as it was written; the default's where nobody wrote one, or empty. */
    public String value(String key) {
        String value = values.get(key);
        return value == null ? defaultOf(key) : value;
    }

    private static String defaultOf(String key) {
        Setting setting = Setting.of(key);
        return setting == null ? "" : setting.defaultValue();
    }

    /**
     * Takes for each key the value of the strongest source that has an acceptable one.
     *
     * @param sources the strongest first; values that are refused are removed from them
     * @param warnings takes a line for each value that is refused: key, value, source, what is accepted, what is used
     */
    static Settings resolve(List<Source> sources, List<String> warnings) {
        Set<String> keys = new LinkedHashSet<String>();
        for (Source source : sources) {
            keys.addAll(source.values().keySet());
        }
        Builder builder = new Builder();
        for (String key : keys) {
            Setting setting = Setting.of(key);
            if (setting != null) {
                builder.resolve(setting, key, sources, warnings);
            }
        }
        return new Settings(builder);
    }

    /** What is wrong with a value, or null where it is acceptable. */
    static @Nullable String refusal(String key, String value) {
        Setting setting = Setting.of(key);
        if (setting == null) {
            return "no such setting";
        }
        try {
            setting.apply(key, value, new Builder());
            return null;
        } catch (IllegalArgumentException refused) {
            return String.valueOf(refused.getMessage());
        }
    }

    /** Collects settings; {@link Setting#apply} fills it. */
    static final class Builder {
        final Limits.Builder limits = Limits.builder();
        Log.Level log = Log.Level.WARN;
        LeakDetection leakDetection = LeakDetection.ON;
        Relocations relocations = Relocations.NONE;
        private final Map<String, String> values = new TreeMap<String, String>();

        private void resolve(Setting setting, String key, List<Source> sources, List<String> warnings) {
            List<String> refusals = new ArrayList<String>();
            for (Source source : sources) {
                String value = source.get(key);
                if (value == null) {
                    continue;
                }
                try {
                    setting.apply(key, value, this);
                    values.put(key, value);
                    warn(refusals, source.describe(key, value), warnings);
                    return;
                } catch (IllegalArgumentException refusal) {
                    source.remove(key);
                    refusals.add(source.describe(key, value) + ": " + refusal.getMessage());
                }
            }
            warn(refusals, setting.fallback(), warnings);
        }

        private static void warn(List<String> refusals, String used, List<String> warnings) {
            for (String refusal : refusals) {
                warnings.add(refusal + "; using " + used + " instead");
            }
        }
    }
}
