package io.sluice.installer;

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One place where settings come from, and what it says: whole keys with their values as they were written. Values are
 * not looked at here; keys are, and unknown ones are reported to a list of warnings. Not safe for use by several
 * threads.
 */
final class Source {
    private final String name;
    private final Map<String, String> values = new LinkedHashMap<String, String>();
    /** What the user wrote where that is not the key: an environment variable's name. */
    private final Map<String, String> written = new LinkedHashMap<String, String>();

    private Source(String name) {
        this.name = name;
    }

    /** A source that says nothing yet. */
    static Source empty(String name) {
        return new Source(name);
    }

    /**
     * The text after {@code sluice-agent.jar=}: {@code key=value,key=value}; the keys' prefix may be left out. What has a
     * colon but no {@code =} goes on with the value of {@code relocated}: {@code relocated=a.b:b,c.d:d,log=info}.
     */
    static Source agentArguments(@Nullable String arguments, List<String> warnings) {
        Source source = new Source("agent argument");
        if (arguments == null) {
            return source;
        }
        String last = "";
        for (String argument : split(arguments)) {
            int equals = argument.indexOf('=');
            if (equals > 0) {
                String key = argument.substring(0, equals).trim();
                last = key.startsWith(Setting.PREFIX) ? key : Setting.PREFIX + key;
                source.put(last, argument.substring(equals + 1), warnings);
            } else if (last.equals(Setting.RELOCATED.key()) && argument.indexOf(':') >= 0) {
                source.put(last, source.get(last) + "," + argument, warnings);
            } else if (!argument.isEmpty()) {
                warnings.add("agent argument " + argument + " is not key=value; ignored");
            }
        }
        return source;
    }

    private static Iterable<String> split(String arguments) {
        List<String> parts = new ArrayList<String>();
        int from = 0;
        for (int comma = arguments.indexOf(','); comma >= 0; comma = arguments.indexOf(',', from)) {
            parts.add(arguments.substring(from, comma).trim());
            from = comma + 1;
        }
        parts.add(arguments.substring(from).trim());
        return parts;
    }

    /** The properties whose names begin with {@code sluice.}. */
    static Source systemProperties(Properties properties, List<String> warnings) {
        Source source = new Source("system property");
        for (Map.Entry<String, String> property : ours(properties).entrySet()) {
            source.put(property.getKey(), property.getValue(), warnings);
        }
        return source;
    }

    /** The properties whose names begin with {@code sluice.}, in the order of their names. */
    static Map<String, String> ours(Properties properties) {
        Map<String, String> ours = new TreeMap<String, String>();
        for (String name : properties.stringPropertyNames()) {
            String value = name.startsWith(Setting.PREFIX) ? properties.getProperty(name) : null;
            if (value != null) {
                ours.put(name, value);
            }
        }
        return ours;
    }

    /**
     * The variables whose names begin with {@code SLUICE_}; an empty one counts as unset. There are none for the
     * overrides: no shell takes a name with the dots and colons of a pattern.
     */
    static Source environment(Map<String, String> environment, List<String> warnings) {
        Source source = new Source("environment variable");
        for (Map.Entry<String, String> variable : new TreeMap<String, String>(environment).entrySet()) {
            String name = variable.getKey();
            if (!name.startsWith(Setting.ENVIRONMENT_PREFIX)
                    || variable.getValue().isEmpty()) {
                continue;
            }
            Setting known = null;
            for (Setting setting : Setting.values()) {
                known = setting.environmentVariable().equals(name) ? setting : known;
            }
            if (known == null) {
                warnings.add("unknown environment variable " + name + "; did you mean " + Nearest.to(name, true) + "?");
            } else {
                source.written.put(known.key(), name);
                source.put(known.key(), variable.getValue(), warnings);
            }
        }
        return source;
    }

    /**
     * The lines {@code sluice.key=value} of a file in UTF-8. It may be a file with other programs' settings, too: lines
     * with other keys are passed over. The key ends at the first {@code =} (a pattern's colon needs no backslash), or
     * in a line without one at the first colon or blank; comments begin with {@code #} or {@code !}.
     *
     * @throws IOException if the file is missing or cannot be read
     */
    static Source file(File file, List<String> warnings) throws IOException {
        Source source = new Source("file " + file);
        BufferedReader reader =
                new BufferedReader(new InputStreamReader(new FileInputStream(file), StandardCharsets.UTF_8));
        try {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                source.line(line.startsWith("\uFEFF") ? line.substring(1) : line, warnings);
            }
        } finally {
            reader.close();
        }
        return source;
    }

    private void line(String untrimmed, List<String> warnings) {
        String line = untrimmed.trim();
        int end = line.indexOf('=');
        for (int i = 0; end < 0 && i < line.length(); i++) {
            end = line.charAt(i) == ':' || line.charAt(i) <= ' ' ? i : -1;
        }
        if (end <= 0 || line.charAt(0) == '#' || line.charAt(0) == '!') {
            return;
        }
        String key = line.substring(0, end).trim().replace("\\", "");
        if (key.startsWith(Setting.PREFIX)) {
            put(key, line.substring(end + 1), warnings);
        } else if (Setting.of(Setting.PREFIX + key) != null) {
            warnings.add(key + " (" + name + ") is not " + Setting.PREFIX + key + "; ignored");
        }
    }

    /** Takes a value; of an unknown key it only warns. */
    void put(String key, String value, List<String> warnings) {
        if (Setting.of(key) == null) {
            warnings.add("unknown setting " + key + " (" + name + "); did you mean " + Nearest.to(key, false) + "?");
        } else {
            values.put(key, value.trim());
        }
    }

    /** Forgets a value. */
    void remove(String key) {
        values.remove(key);
    }

    /** The value of a key as it was written, without blanks around it; null where this source has none. */
    @Nullable
    String get(String key) {
        return values.get(key);
    }

    /** Every key that this source knows with its value. */
    Map<String, String> values() {
        return values;
    }

    /** Where values come from, as messages show it: {@code system property}. */
    String name() {
        return name;
    }

    /** Key, value and this source as messages show them: {@code sluice.log=loud (system property)}. */
    String describe(String key, String value) {
        String writtenKey = written.get(key);
        return (writtenKey == null ? key : writtenKey) + "=" + value + " (" + name + ")";
    }
}
