package io.sluice.instrumentation.testing;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.bytebuddy.agent.ByteBuddyAgent;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Installs the agent into the JVM that runs the tests, before any test class is loaded, from the class path instead of the
 * agent's jar: what belongs to the bootstrap loader is packed into a temporary jar and appended to it; everything else
 * stays where it is. A module asks for it by {@code META-INF/services/org.junit.platform.launcher.LauncherSessionListener}
 * among its test resources.
 *
 * <p>This class names none of the classes that belong to the bootstrap loader: to verify it would load them too early.
 */
public final class AgentInTests implements LauncherSessionListener {
    private static final String[] BOOTSTRAP_PACKAGES = {
        "io/sluice/limiter", "io/sluice/bridge", "io/sluice/instrumentation/httpurlconnection/boot"
    };

    private static boolean installed;

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        install();
    }

    private static synchronized void install() {
        if (installed) {
            return;
        }
        installed = true;
        try {
            Instrumentation instrumentation = ByteBuddyAgent.install();
            File jar = File.createTempFile("sluice-bootstrap", ".jar");
            jar.deleteOnExit();
            pack(jar);
            instrumentation.appendToBootstrapClassLoaderSearch(new JarFile(jar));
            Class.forName("io.sluice.installer.Installer")
                    .getMethod("install", String.class, Instrumentation.class, File.class, boolean.class)
                    .invoke(null, "", instrumentation, jar, false);
        } catch (IOException | ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void pack(File jar) throws IOException {
        try (JarOutputStream out = new JarOutputStream(new FileOutputStream(jar))) {
            Set<String> written = new HashSet<>();
            for (String folder : BOOTSTRAP_PACKAGES) {
                Enumeration<URL> places = AgentInTests.class.getClassLoader().getResources(folder);
                for (URL place : Collections.list(places)) {
                    packFrom(place, folder, out, written);
                }
            }
        }
    }

    private static void packFrom(URL place, String folder, JarOutputStream out, Set<String> written)
            throws IOException {
        URLConnection connection = place.openConnection();
        if (connection instanceof JarURLConnection) {
            connection.setUseCaches(false);
            try (JarFile from = ((JarURLConnection) connection).getJarFile()) {
                for (JarEntry entry : Collections.list(from.entries())) {
                    String name = entry.getName();
                    if (name.startsWith(folder + "/") && name.endsWith(".class") && written.add(name)) {
                        try (InputStream in = from.getInputStream(entry)) {
                            add(name, in, out);
                        }
                    }
                }
            }
            return;
        }
        Path directory = new File(place.getPath()).toPath();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.collect(Collectors.toList())) {
                String name = folder + "/" + file.getFileName();
                if (name.endsWith(".class") && !name.contains("Test") && written.add(name)) {
                    try (InputStream in = Files.newInputStream(file)) {
                        add(name, in, out);
                    }
                }
            }
        }
    }

    private static void add(String name, InputStream in, JarOutputStream out) throws IOException {
        out.putNextEntry(new JarEntry(name));
        byte[] buffer = new byte[8192];
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
            out.write(buffer, 0, read);
        }
        out.closeEntry();
    }
}
