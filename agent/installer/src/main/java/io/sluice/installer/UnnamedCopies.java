package io.sluice.installer;

import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sees relocated copies of clients that {@code sluice.relocated} does not name, and tells the user once what to set.
 *
 * <p>Every class of the program comes by: {@link #find} computes a number from the class's simple name, looks it up, and
 * makes no object. What it finds is a class that is named like a hooked one to the end, as shading build plug-ins leave
 * it: {@code com.acme.shaded.org.apache.http.impl.conn.CPoolProxy}, or in an even more changed package
 * {@code com.acme.http.impl.conn.PoolingHttpClientConnectionManager}, if its simple name is not one that anybody might
 * have chosen. {@link #report} then looks closer. Thread-safe.
 */
final class UnnamedCopies {
    /** A power of two, and many times the number of hooked classes. */
    private static final int BUCKETS = 2048;

    private static final int DISTINCTIVE_LENGTH = 15;
    private static final int DISTINCTIVE_WORDS = 3;

    /** Packages of the JDK, where nobody's copies are. */
    private static final List<String> JDK = Arrays.asList("java.", "javax.", "jdk.", "sun.", "com.sun.");

    /** Packages of other agents, whose own traffic is none of ours, and of ourselves. */
    private static final List<String> AGENTS = Arrays.asList(
            "io/sluice/",
            "io/opentelemetry/javaagent/",
            "datadog/",
            "co/elastic/apm/",
            "com/newrelic/",
            "com/dynatrace/");

    /** A hooked class that copies are known by. */
    static final class Known {
        final Client client;
        /** With slashes. */
        final String type;
        /** The next one in the same bucket. */
        private final @Nullable Known next;

        private final int hash;

        private Known(Client client, String type, int hash, @Nullable Known next) {
            this.client = client;
            this.type = type;
            this.hash = hash;
            this.next = next;
        }
    }

    private final @Nullable Known[] buckets = new @Nullable Known[BUCKETS];
    private final Relocations relocations;
    private final CopyNames names;
    /** Where copies were looked at: what their names begin with, and instead of what. */
    private final Set<String> seen = Collections.synchronizedSet(new HashSet<String>());
    /** What the setting names, and what it should. */
    private final List<String> mappings = new ArrayList<String>();

    UnnamedCopies(Targets targets, AgentClasses agentClasses) {
        relocations = targets.relocations();
        names = new CopyNames(agentClasses);
        mappings.addAll(relocations.mappings());
        for (Client client : targets.clients()) {
            Set<String> types = new HashSet<String>();
            for (Hook hook : client.hooks) {
                String type = hook.type();
                if (!client.support && type.indexOf('$') < 0 && !isOfJdk(type) && types.add(type)) {
                    int hash = hash(type, type.length());
                    int bucket = hash & BUCKETS - 1;
                    buckets[bucket] = new Known(client, type.replace('.', '/'), hash, buckets[bucket]);
                }
            }
        }
    }

    private static boolean isOfJdk(String type) {
        for (String jdk : JDK) {
            if (type.startsWith(jdk)) {
                return true;
            }
        }
        return false;
    }

    /** Of the simple name alone. */
    private static int hash(String name, int length) {
        int hash = 0;
        for (int i = length - 1; i >= 0; i--) {
            char c = name.charAt(i);
            if (c == '/' || c == '.') {
                break;
            }
            hash = 31 * hash + c;
        }
        return hash ^ hash >>> 11;
    }

    /** The hooked class of which this may be a copy, by its name with slashes or dots; null for nearly every class. */
    @Nullable
    Known find(String className) {
        int hash = hash(className, className.length());
        for (Known known = buckets[hash & BUCKETS - 1]; known != null; known = known.next) {
            if (known.hash == hash && isNamedLike(known.type, className)) {
                return known;
            }
        }
        return null;
    }

    private static boolean isNamedLike(String type, String className) {
        int same = commonEnd(type, className);
        if (same == type.length()) {
            return same < className.length();
        }
        int words = 0;
        for (int i = type.length() - same; i < type.length(); i++) {
            words += i == 0 || type.charAt(i - 1) == '/' ? 1 : 0;
        }
        return words >= DISTINCTIVE_WORDS && type.length() - type.lastIndexOf('/') > DISTINCTIVE_LENGTH;
    }

    /** How many characters are the same at the end of both, in whole words. */
    private static int commonEnd(String type, String className) {
        int shorter = Math.min(type.length(), className.length());
        int same = 0;
        while (same < shorter
                && isSame(type.charAt(type.length() - same - 1), className.charAt(className.length() - same - 1))) {
            same++;
        }
        String longer = type.length() > shorter ? type : className;
        int before = longer.length() - same - 1;
        if (same == shorter && (before < 0 || isSame('/', longer.charAt(before)))) {
            return same;
        }
        int slash = type.indexOf('/', type.length() - same);
        return slash < 0 ? 0 : type.length() - slash - 1;
    }

    private static boolean isSame(char a, char b) {
        return a == b || a == '/' && b == '.';
    }

    /**
     * Warns of a copy, if its loader has all that makes it one, and it has not been looked at before. Runs the program's
     * class loader, which is asked for class files.
     *
     * @param className with slashes or dots
     */
    void report(Known known, String className, ClassLoader loader) {
        String name = className.replace('.', '/');
        if (relocations.covers(name, '/') || isOfAgent(name)) {
            return;
        }
        int same = commonEnd(known.type, name);
        String relocated = name.substring(0, name.length() - same);
        String original = known.type.substring(0, known.type.length() - same);
        if (!seen.add(known.client.name + ' ' + relocated + ' ' + original)) {
            return;
        }
        List<String> found = names.mappings(known.client, relocated, original, loader);
        synchronized (mappings) {
            if (found.isEmpty() || mappings.containsAll(found)) {
                Log.debug(name + " is named like a class of " + known.client.name + ", and is none");
                return;
            }
            found.removeAll(mappings);
            mappings.addAll(found);
            StringBuilder setting = new StringBuilder();
            for (String mapping : mappings) {
                setting.append(setting.length() == 0 ? "" : ",").append(mapping);
            }
            Log.warn(known.client.name + ": not limited in a relocated copy (" + name.replace('/', '.')
                    + "); to have it limited, set " + Setting.RELOCATED.key() + "=" + setting);
        }
    }

    private static boolean isOfAgent(String name) {
        for (String agent : AGENTS) {
            if (name.startsWith(agent)) {
                return true;
            }
        }
        return false;
    }
}
