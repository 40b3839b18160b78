package io.sluice.installer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the classes of one relocated copy of a client are called, and what those of ours are called that name them. Works
 * on names alone; {@link ClassRelocator} changes the classes. Immutable once its helpers are named.
 */
final class Relocation {
    /** Package with slashes, and what it is called in the copy; the longest packages first. */
    private final List<String[]> packages = new ArrayList<String[]>();
    /** Our helpers, with slashes, and what they are called beside the copy. */
    private final Map<String, String> helpers = new HashMap<String, String>();
    /** The other way round, with dots. */
    private final Map<String, String> originalHelpers = new HashMap<String, String>();

    /** Takes the copy's packages by the library's own, both with dots. */
    Relocation(Map<String, String> relocatedByOriginal) {
        for (Map.Entry<String, String> one : relocatedByOriginal.entrySet()) {
            packages.add(
                    new String[] {one.getKey().replace('.', '/'), one.getValue().replace('.', '/')});
        }
        Collections.sort(packages, new Comparator<String[]>() {
            @Override
            public int compare(String[] a, String[] b) {
                return b[0].length() - a[0].length();
            }
        });
    }

    /**
     * Gives helpers names that no other copy has. One in a package of the client, of which it may need what is not public,
     * goes with that package; all others move to a package beneath their own.
     *
     * @param copy a package name that this copy alone has
     * @return the new binary names, in the same order
     */
    List<String> nameHelpers(List<String> names, String copy) {
        List<String> renamed = new ArrayList<String>();
        for (String name : names) {
            String newName = name(name);
            if (newName.equals(name)) {
                int dot = name.lastIndexOf('.') + 1;
                newName = name.substring(0, dot) + copy + '.' + name.substring(dot);
                helpers.put(name.replace('.', '/'), newName.replace('.', '/'));
            }
            originalHelpers.put(newName, name);
            renamed.add(newName);
        }
        return renamed;
    }

    /** The name of the class of ours from which one beside the copy is made; others are called the same. */
    String original(String helper) {
        String original = originalHelpers.get(helper);
        return original == null ? helper : original;
    }

    /** What a class is called in or beside the copy, by its binary name; the same where it is of neither. */
    String name(String binaryName) {
        return internalName(binaryName.replace('.', '/')).replace('/', '.');
    }

    /** The same for names with slashes. */
    String internalName(String name) {
        String helper = helpers.get(name);
        if (helper != null) {
            return helper;
        }
        for (String[] one : packages) {
            if (isIn(one[0], name, '/')) {
                return one[1] + name.substring(one[0].length());
            }
        }
        return name;
    }

    /** A method's descriptor, or the beginning of one, as the copy has it. */
    String descriptor(String beginning) {
        StringBuilder to = new StringBuilder();
        for (int i = 0; i < beginning.length(); i++) {
            char c = beginning.charAt(i);
            to.append(c);
            if (c == 'L') {
                int semicolon = beginning.indexOf(';', i);
                int end = semicolon < 0 ? beginning.length() : semicolon;
                to.append(internalName(beginning.substring(i + 1, end)));
                i = end - 1;
            }
        }
        return to.toString();
    }

    /**
     * A text in the code of a class of ours: changed where the whole of it is the name of a class of the client or of a
     * helper, with dots or with slashes, as for {@code Class.forName}.
     */
    String text(String text) {
        String dots = nameWith('.', text);
        if (dots != null) {
            return dots;
        }
        String slashes = nameWith('/', text);
        return slashes == null ? text : slashes;
    }

    private @Nullable String nameWith(char separator, String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != separator && !Character.isJavaIdentifierPart(c)) {
                return null;
            }
        }
        String name = text.replace(separator, '/');
        String renamed = internalName(name);
        // A package alone may be any word: a client's name, or a scheme.
        boolean isPackage = name.indexOf('/') < 0;
        return isPackage || renamed.equals(name) ? null : renamed.replace('/', separator);
    }

    /** Whether a class, or the package itself, is in a package or in one beneath it. */
    static boolean isIn(String packageName, String className, char separator) {
        int length = packageName.length();
        return className.startsWith(packageName)
                && (className.length() == length || className.charAt(length) == separator);
    }
}
