package io.sluice.agent;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One of the JDKs on which the tests run their child programs: those of the system property {@code it.jdks} (homes,
 * separated by commas), or else the one that runs the build.
 */
public final class Jdk {

    private static final Pattern VERSION = Pattern.compile("version \"(?:1\\.)?(\\d+)");

    private static List<Jdk> all = new ArrayList<>();

    private final File home;
    private final int feature;

    private Jdk(File home, int feature) {
        this.home = home;
        this.feature = feature;
    }

    /** All JDKs to test on, in the order given; never empty. Each was started once, so it is known to work. */
    public static synchronized List<Jdk> all() {
        if (all.isEmpty()) {
            List<Jdk> found = new ArrayList<>();
            String homes = System.getProperty("it.jdks", "").trim();
            for (String home : (homes.isEmpty() ? System.getProperty("java.home") : homes).split("\\s*,\\s*")) {
                found.add(at(new File(home)));
            }
            all = found;
        }
        return all;
    }

    /** Those of {@link #all()} whose feature version is at least the given one; may be empty. */
    public static List<Jdk> from(int oldest) {
        List<Jdk> some = new ArrayList<>(all());
        some.removeIf(jdk -> jdk.feature < oldest);
        return some;
    }

    /** The one of {@link #all()} for the tests that are not run on every JDK: that of the build, or else the newest. */
    public static Jdk main() {
        int build = Integer.parseInt(System.getProperty("java.specification.version"));
        Jdk newest = all().get(0);
        for (Jdk jdk : all()) {
            if (jdk.feature == build) {
                return jdk;
            }
            newest = jdk.feature > newest.feature ? jdk : newest;
        }
        return newest;
    }

    private static Jdk at(File home) {
        ChildJvm.Result result =
                ChildJvm.program("").java(home).jvmOptions("-version").run();
        Matcher version = VERSION.matcher(result.stderr());
        if (result.exitCode() != 0 || !version.find()) {
            throw new IllegalArgumentException("it.jdks: " + home + " is not a JDK's home: " + result);
        }
        return new Jdk(home, Integer.parseInt(version.group(1)));
    }

    /** The folder with {@code bin/java}. */
    public File home() {
        return home;
    }

    /** 8, 11, 17, ... */
    public int feature() {
        return feature;
    }

    @Override
    public String toString() {
        return "JDK " + feature;
    }
}
