package io.sluice.telemetry;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;

/** A program's class loader: an OpenTelemetry of its own, and nothing of ours but {@link Program}. */
final class ProgramLoader extends URLClassLoader {
    private ProgramLoader(List<URL> urls, ClassLoader parent) {
        super(urls.toArray(new URL[0]), parent);
    }

    /** With the API and SDK of version 1.0.0 or of the one the agent has. */
    static ProgramLoader of(String version) {
        List<URL> urls = version.equals("oldest") ? oldestJars() : newestJars("api|context|common|sdk(-[a-z]+)?");
        urls.add(testClasses());
        return new ProgramLoader(urls, ClassLoader.getSystemClassLoader().getParent());
    }

    /** With the context in a loader of its own, the parent, which does not see the rest; as bundles and modules have it. */
    static ProgramLoader withContextApart() {
        URL[] context = newestJars("context|common").toArray(new URL[0]);
        List<URL> urls = newestJars("api|sdk(-[a-z]+)?");
        urls.add(testClasses());
        return new ProgramLoader(
                urls,
                new URLClassLoader(context, ClassLoader.getSystemClassLoader().getParent()));
    }

    private static URL testClasses() {
        return OpenTelemetryProgram.class.getProtectionDomain().getCodeSource().getLocation();
    }

    private static List<URL> oldestJars() {
        List<URL> urls = new ArrayList<>();
        for (File jar : new File(System.getProperty("program.api.oldest")).listFiles()) {
            urls.add(url(jar));
        }
        return urls;
    }

    private static List<URL> newestJars(String artifacts) {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            if (new File(entry).getName().matches("opentelemetry-(" + artifacts + ")-\\d.*")) {
                urls.add(url(new File(entry)));
            }
        }
        return urls;
    }

    private static URL url(File file) {
        try {
            return file.toURI().toURL();
        } catch (MalformedURLException e) {
            throw new AssertionError(e);
        }
    }

    Program program() {
        try {
            return (Program) loadClass(OpenTelemetryProgram.class.getName())
                    .getConstructor()
                    .newInstance();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        return name.equals(Program.class.getName()) ? Program.class : super.findClass(name);
    }
}
