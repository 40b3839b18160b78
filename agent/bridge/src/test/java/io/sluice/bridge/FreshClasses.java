package io.sluice.bridge;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;

/** Runs a scenario with classes whose static state nobody has touched. */
final class FreshClasses {
    private FreshClasses() {}

    static void run(Class<? extends Runnable> scenario) throws Exception {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(url(entry));
        }
        try (URLClassLoader loader = new URLClassLoader(
                urls.toArray(new URL[0]), ClassLoader.getSystemClassLoader().getParent())) {
            Class<?> fresh = loader.loadClass(scenario.getName());
            if (fresh == scenario) {
                throw new AssertionError("not fresh");
            }
            java.lang.reflect.Constructor<?> constructor = fresh.getDeclaredConstructor();
            constructor.setAccessible(true);
            ((Runnable) constructor.newInstance()).run();
        }
    }

    private static URL url(String entry) throws MalformedURLException {
        return new File(entry).toURI().toURL();
    }
}
