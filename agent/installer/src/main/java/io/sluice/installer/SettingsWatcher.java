package io.sluice.installer;

import io.sluice.limiter.Limits;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * Reads all sources once, and then follows what changes while the program runs:
 *
 * <ul>
 *   <li>A system property {@code sluice.*} that the program sets or removes after the start. That is <em>a change made at
 *       run time</em>, the strongest source of all; removing the property takes the change back.
 *   <li>The file named by {@code sluice.config}, when its time of modification or its length changes. It stays the
 *       weakest source.
 * </ul>
 *
 * <p>A value that is refused is named once, and what held before still holds. {@code sluice.mode=off} at the start means
 * that nothing is woven, and nothing can be woven later: a change of mode is then refused with a warning. The other
 * way round, {@code off} at run time lets everybody through, and {@code enforce} brings the limits back. In the same way
 * {@code sluice.relocated} is taken at the start alone.
 *
 * <p>Not safe for use by several threads: created in premain, then called on the agent's own thread.
 */
final class SettingsWatcher {
    /** Is told of settings that changed. */
    interface Listener {
        /** These hold now, instead of those before. Called on the thread that called {@link #tick}. */
        void changed(Settings settings);
    }

    private static final String CONFIG = Setting.CONFIG.key();
    private static final String MODE = Setting.MODE.key();
    private static final String RELOCATED = Setting.RELOCATED.key();

    private final Properties properties;
    private final Source runtime = Source.empty("system property set at run time");
    private final Source arguments;
    private final Source systemProperties;
    private final Source environment;
    private Source file = Source.empty("no file");
    private String filePath = "";
    private long fileModified;
    private long fileLength;

    private Map<String, String> seen;
    private Settings settings;
    private final boolean off;

    /**
     * Reads everything.
     *
     * @param properties the JVM's live system properties; tests give their own
     * @param warnings takes a line for everything that is wrong
     */
    SettingsWatcher(
            @Nullable String agentArguments,
            Properties properties,
            Map<String, String> environmentVariables,
            List<String> warnings) {
        this.properties = properties;
        seen = Source.ours(properties);
        arguments = Source.agentArguments(agentArguments, warnings);
        systemProperties = Source.systemProperties(properties, warnings);
        environment = Source.environment(environmentVariables, warnings);
        settings = Settings.resolve(sources(), warnings);
        if (readFile(warnings)) {
            settings = Settings.resolve(sources(), warnings);
        }
        off = settings.limits().mode() == Limits.Mode.OFF;
    }

    /** What holds now. */
    Settings settings() {
        return settings;
    }

    /** Looks for changes. Costs a few microseconds when there are none; called about once a second. */
    void tick(Listener listener) {
        List<String> warnings = new ArrayList<String>();
        boolean changed = takeProperties(warnings);
        if (changed) {
            settings = Settings.resolve(sources(), warnings);
        }
        if (readFile(warnings)) {
            settings = Settings.resolve(sources(), warnings);
            changed = true;
        }
        for (String warning : warnings) {
            Log.warn(warning);
        }
        if (changed) {
            listener.changed(settings);
        }
    }

    /** The strongest first. */
    private List<Source> sources() {
        return Arrays.asList(runtime, arguments, systemProperties, environment, file);
    }

    private boolean takeProperties(List<String> warnings) {
        Map<String, String> now = Source.ours(properties);
        if (now.equals(seen)) {
            return false;
        }
        boolean changed = false;
        for (Map.Entry<String, String> entry : now.entrySet()) {
            String value = entry.getValue();
            if (!value.equals(seen.get(entry.getKey()))) {
                changed |= take(runtime, entry.getKey(), value.trim(), warnings);
            }
        }
        for (String key : seen.keySet()) {
            if (!now.containsKey(key) && Setting.of(key) != null) {
                runtime.remove(key);
                systemProperties.remove(key);
                changed = true;
            }
        }
        seen = now;
        return changed;
    }

    /** Takes a value that came up while the program runs, unless it is refused; then what held still holds. */
    private boolean take(Source source, String key, String value, List<String> warnings) {
        if (Setting.of(key) == null) {
            source.put(key, value, warnings);
            return false;
        }
        String refusal = Settings.refusal(key, value);
        if (refusal == null && off && key.equals(MODE) && !value.equalsIgnoreCase("off")) {
            refusal = "the program was started with " + MODE + "=off, so that nothing is woven";
        }
        if (refusal == null && key.equals(RELOCATED) && !value.equals(file.get(key))) {
            refusal = "it is read at the start only, as classes may be loaded by now";
        }
        if (refusal == null) {
            source.put(key, value, warnings);
            return true;
        }
        String kept = settings.value(key);
        warnings.add(
                source.describe(key, value) + ": " + refusal + "; keeping " + (kept.isEmpty() ? "what holds" : kept));
        return false;
    }

    /** Whether the file's content came, changed or went. Of what is refused in a changed file the old value is kept. */
    private boolean readFile(List<String> warnings) {
        String path = settings.value(CONFIG);
        File now = new File(path);
        long modified = path.isEmpty() ? 0 : now.lastModified();
        long length = path.isEmpty() ? 0 : now.length();
        if (path.equals(filePath) && modified == fileModified && length == fileLength) {
            return false;
        }
        boolean first = !path.equals(filePath);
        filePath = path;
        fileModified = modified;
        fileLength = length;
        Source read;
        try {
            read = path.isEmpty() ? Source.empty("no file") : Source.file(now, warnings);
        } catch (IOException | RuntimeException unreadable) {
            warnings.add(CONFIG + "=" + path + " cannot be read (" + unreadable.getMessage() + "); "
                    + (first ? "its settings are not used" : "keeping what it said before"));
            return false;
        }
        if (first) {
            file = read;
        } else {
            refresh(read, warnings);
        }
        return true;
    }

    private void refresh(Source read, List<String> warnings) {
        Source fresh = Source.empty(read.name());
        for (Map.Entry<String, String> entry : read.values().entrySet()) {
            String key = entry.getKey();
            String old = file.get(key);
            if (!take(fresh, key, entry.getValue(), warnings) && old != null) {
                fresh.put(key, old, warnings);
            }
        }
        file = fresh;
    }
}
