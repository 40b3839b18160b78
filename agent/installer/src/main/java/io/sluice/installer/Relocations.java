package io.sluice.installer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The value of {@code sluice.relocated}: under which other package names the program has copies of clients, as a shading
 * build plug-in makes them. {@code com.acme.http:org.apache.http,com.acme.okhttp3:okhttp3}: the copy's package first, then
 * the library's own. Immutable.
 */
final class Relocations {
    /** No copies. */
    static final Relocations NONE = new Relocations(Collections.<String, String>emptyMap());

    /** What no copy's package may begin with: these classes exist once in every JVM, or are ours. */
    private static final List<String> RESERVED = Arrays.asList("java.", "javax.", "jdk.", "sun.", "io.sluice.");

    /** The library's own package by the copy's, in the order in which they were given. */
    private final Map<String, String> originals;

    private Relocations(Map<String, String> originals) {
        this.originals = originals;
    }

    /** Reads a value; null where it is not acceptable. An empty one means no copies. */
    static @Nullable Relocations parse(String value) {
        Map<String, String> originals = new LinkedHashMap<String, String>();
        for (String mapping : value.isEmpty() ? new String[0] : value.split(",", -1)) {
            int colon = mapping.indexOf(':');
            String relocated = mapping.substring(0, Math.max(colon, 0)).trim();
            String original = mapping.substring(colon + 1).trim();
            if (!isPackage(relocated) || !isPackage(original) || relocated.equals(original)) {
                return null;
            }
            String before = originals.put(relocated, original);
            if (before != null && !before.equals(original)) {
                return null;
            }
        }
        return new Relocations(originals);
    }

    private static boolean isPackage(String name) {
        for (String word : name.split("\\.", -1)) {
            boolean good = !word.isEmpty() && Character.isJavaIdentifierStart(word.charAt(0));
            for (int i = 1; good && i < word.length(); i++) {
                good = Character.isJavaIdentifierPart(word.charAt(i));
            }
            if (!good) {
                return false;
            }
        }
        for (String reserved : RESERVED) {
            if ((name + '.').startsWith(reserved)) {
                return false;
            }
        }
        return true;
    }

    /**
     * The copies of one client. The package with the most relocations, of those that have hooked classes of it, makes a
     * copy with each. To that copy belongs every other package, too (a core library, hooked or not): where that has
     * several relocations, by the one whose name begins most like that of the first.
     *
     * @param types the binary names of its hooked classes
     */
    List<Relocation> copiesOf(Iterable<String> types) {
        List<String> bases = Collections.emptyList();
        for (String original : originals.values()) {
            List<String> relocated = hooked(original, types) ? relocationsOf(original) : bases;
            bases = relocated.size() > bases.size() ? relocated : bases;
        }
        List<Relocation> copies = new ArrayList<Relocation>();
        for (String base : bases) {
            copies.add(copy(base));
        }
        return copies;
    }

    private static boolean hooked(String original, Iterable<String> types) {
        for (String type : types) {
            if (Relocation.isIn(original, type, '.')) {
                return true;
            }
        }
        return false;
    }

    private List<String> relocationsOf(String original) {
        List<String> relocated = new ArrayList<String>();
        for (Map.Entry<String, String> one : originals.entrySet()) {
            if (one.getValue().equals(original)) {
                relocated.add(one.getKey());
            }
        }
        return relocated;
    }

    private Relocation copy(String base) {
        Map<String, String> chosen = new LinkedHashMap<String, String>();
        for (Map.Entry<String, String> one : originals.entrySet()) {
            String original = one.getValue();
            String before = chosen.get(original);
            if (before == null || alike(base, one.getKey()) > alike(base, before)) {
                chosen.put(original, one.getKey());
            }
        }
        return new Relocation(chosen);
    }

    /** How many characters two names have in common at their beginning; most of all if they are the same. */
    private static int alike(String a, String b) {
        int length = 0;
        while (length < a.length() && length < b.length() && a.charAt(length) == b.charAt(length)) {
            length++;
        }
        return a.equals(b) ? Integer.MAX_VALUE : length;
    }

    /** Whether a class, given with this separator of packages, is in one of the copies. */
    boolean covers(String className, char separator) {
        for (String relocated : originals.keySet()) {
            if (Relocation.isIn(relocated.replace('.', separator), className, separator)) {
                return true;
            }
        }
        return false;
    }

    /** Each as it is written in the setting, without blanks. */
    List<String> mappings() {
        List<String> mappings = new ArrayList<String>();
        for (Map.Entry<String, String> one : originals.entrySet()) {
            mappings.add(one.getKey() + ':' + one.getValue());
        }
        return mappings;
    }
}
