package io.sluice.installer;

/** Finds the known name that an unknown one was probably meant to be. */
final class Nearest {
    private Nearest() {}

    /** The known key, or environment variable, with the fewest edits from this one. */
    static String to(String unknown, boolean environment) {
        String nearest = "";
        int fewest = Integer.MAX_VALUE;
        for (Setting setting : Setting.values()) {
            String known = environment ? setting.environmentVariable() : setting.key();
            int edits = known.isEmpty() ? Integer.MAX_VALUE : edits(unknown, known);
            if (setting.isPattern() && sameBeginning(unknown, known)) {
                return known; // its pattern may be of any length, so that edits say little
            }
            if (edits < fewest) {
                nearest = known;
                fewest = edits;
            }
        }
        return nearest;
    }

    /** Whether both begin with the same two words: {@code sluice.server.} */
    private static boolean sameBeginning(String unknown, String known) {
        int end = known.indexOf('<');
        return end > 0 && unknown.startsWith(known.substring(0, end));
    }

    /** Levenshtein's distance: insertions, deletions and replacements of one character, case aside. */
    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                char x = Character.toLowerCase(a.charAt(i - 1));
                char y = Character.toLowerCase(b.charAt(j - 1));
                int replaced = diagonal + (x == y ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
