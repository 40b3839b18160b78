package io.sluice.installer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which packages a relocated copy of a client has under which names: those of the hooked classes, and those that
 * advice and helpers name, such as a core library. What is guessed from the name of one class is kept only if the class
 * loader has such classes.
 */
final class CopyNames {
    /** What is the same for every copy. */
    private static final List<String> COMMON = Arrays.asList(
            "java/", "javax/", "jdk/", "sun/", "com/sun/", "io/sluice/", "net/bytebuddy/", "org/jspecify/");

    private final AgentClasses agentClasses;

    CopyNames(AgentClasses agentClasses) {
        this.agentClasses = agentClasses;
    }

    /**
     * The mappings that the setting needs for a copy; none if the loader lacks every hooked class of one of the libraries
     * that are hooked, as where it has a copy of a core library alone.
     *
     * @param relocated what the name of one class begins with, up to a slash; may be empty
     * @param original what it begins with in the library
     */
    List<String> mappings(Client client, String relocated, String original, ClassLoader loader) {
        List<String> mappings = new ArrayList<String>();
        try {
            Set<String> hooked = new LinkedHashSet<String>();
            for (String type : client.types()) {
                hooked.add(type.replace('.', '/'));
            }
            Set<String> named = new LinkedHashSet<String>(hooked);
            for (String name : ClassRelocator.namesIn(agentClasses, client)) {
                if (!isCommon(name)) {
                    named.add(name);
                }
            }
            Loader classes = new Loader(loader, relocated, original);
            for (Map.Entry<String, Set<String>> library : libraries(named).entrySet()) {
                boolean isHooked = false;
                for (String type : library.getValue()) {
                    isHooked |= hooked.contains(type);
                }
                int before = mappings.size();
                classes.add(library.getKey(), library.getValue(), isHooked ? hooked : null, mappings);
                if (isHooked && mappings.size() == before) {
                    mappings.clear();
                    return mappings;
                }
            }
        } catch (Throwable unreadable) {
            Log.debug("no names for a copy of " + client.name + ": " + unreadable);
            mappings.clear();
        }
        return mappings;
    }

    private static boolean isCommon(String name) {
        for (String common : COMMON) {
            if (name.startsWith(common)) {
                return true;
            }
        }
        return false;
    }

    /** Classes by the package that all those of a library have in common. */
    private static Map<String, Set<String>> libraries(Set<String> classes) {
        Map<String, Set<String>> byOwner = new LinkedHashMap<String, Set<String>>();
        for (String name : classes) {
            // "org/apache", but "okhttp3": a short first word is a domain, where the second one tells whose it is.
            int first = name.indexOf('/');
            int second = name.indexOf('/', first + 1);
            put(byOwner, first > 0 && first <= 3 && second > 0 ? name.substring(0, second) : begin(name, first), name);
        }
        Map<String, Set<String>> byPackage = new LinkedHashMap<String, Set<String>>();
        for (Set<String> library : byOwner.values()) {
            String common = null;
            for (String name : library) {
                String packageName = begin(name, name.lastIndexOf('/'));
                while (common != null && !Relocation.isIn(common, packageName, '/')) {
                    common = begin(common, common.lastIndexOf('/'));
                }
                common = common == null ? packageName : common;
            }
            if (common != null && !common.isEmpty()) {
                byPackage.put(common, library);
            }
        }
        return byPackage;
    }

    private static String begin(String name, int end) {
        return name.substring(0, Math.max(end, 0));
    }

    private static void put(Map<String, Set<String>> map, String key, String value) {
        Set<String> values = map.get(key);
        if (values == null) {
            values = new TreeSet<String>();
            map.put(key, values);
        }
        values.add(value);
    }

    /** What one class loader has. */
    private static final class Loader {
        private final ClassLoader loader;
        private final String relocated;
        private final String original;

        Loader(ClassLoader loader, String relocated, String original) {
            this.loader = loader;
            this.relocated = relocated;
            this.original = original;
        }

        private boolean has(String name) {
            return loader.getResource(name + ".class") != null;
        }

        /** Adds a mapping for the package, or for those beneath it where only some are relocated. */
        void add(String packageName, Set<String> classes, @Nullable Set<String> hooked, List<String> to) {
            for (String guess : guesses(packageName)) {
                boolean found = false;
                boolean othersAreNot = false;
                for (String name : classes) {
                    boolean has = has(guess + name.substring(packageName.length()));
                    found |= has && (hooked == null || hooked.contains(name));
                    othersAreNot |= !has && has(name);
                }
                if (found && !othersAreNot) {
                    to.add(guess.replace('/', '.') + ':' + packageName.replace('/', '.'));
                    return;
                }
                if (found) {
                    for (Map.Entry<String, Set<String>> part :
                            parts(packageName, classes).entrySet()) {
                        add(part.getKey(), part.getValue(), null, to);
                    }
                    return;
                }
            }
        }

        /** The same, or less, for each of the packages right beneath. */
        private static Map<String, Set<String>> parts(String packageName, Set<String> classes) {
            Map<String, Set<String>> parts = new LinkedHashMap<String, Set<String>>();
            for (String name : classes) {
                int end = name.indexOf('/', packageName.length() + 1);
                if (end > 0) {
                    put(parts, name.substring(0, end), name);
                }
            }
            return parts;
        }

        private List<String> guesses(String packageName) {
            List<String> guesses = new ArrayList<String>();
            if ((packageName + '/').startsWith(original)) {
                String guess = relocated + (packageName + '/').substring(original.length());
                guesses.add(begin(guess, guess.length() - 1));
            } else {
                guesses.add(relocated + packageName);
                guesses.add(begin(relocated, relocated.lastIndexOf('/', relocated.length() - 2) + 1) + packageName);
            }
            guesses.remove(packageName);
            return guesses;
        }
    }
}
