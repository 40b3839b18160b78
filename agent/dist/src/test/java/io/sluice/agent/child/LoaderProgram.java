package io.sluice.agent.child;

import java.net.URL;
import java.net.URLClassLoader;

/**
 * Runs a main class in a class loader of its own.
 *
 * <p>Arguments: {@code plain} for a loader whose parent is the bootstrap loader, {@code hiding} for one that filters
 * what it takes from it; the name of the main class; URLs.
 */
public final class LoaderProgram {
    private LoaderProgram() {}

    public static void main(String[] arguments) throws Exception {
        URL[] urls = new URL[arguments.length - 2];
        for (int i = 0; i < urls.length; i++) {
            urls[i] = new URL(arguments[i + 2]);
        }
        ClassLoader loader =
                arguments[0].equals("plain") ? new URLClassLoader(urls, null) : new HidingClassLoader(urls);
        Thread.currentThread().setContextClassLoader(loader);
        Class.forName(arguments[1], true, loader)
                .getMethod("main", String[].class)
                .invoke(null, (Object) new String[0]);
    }

    /** Has its own classes first and shows of all others only the JDK's, by the names that its author thought of. */
    public static final class HidingClassLoader extends URLClassLoader {
        HidingClassLoader(URL[] urls) {
            super(urls, null);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded != null) {
                    return loaded;
                }
                return name.matches("(javax?|jdk|sun|com\\.sun|org\\.ietf)\\..*")
                        ? super.loadClass(name, resolve)
                        : findClass(name);
            }
        }
    }
}
