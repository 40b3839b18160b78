package io.sluice.instrumentation.testing;

import io.sluice.bridge.ConnectionGate;
import io.sluice.installer.Installer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
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
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.bytebuddy.agent.ByteBuddyAgent;

/**
 * Installs the agent into the JVM of the test, from the class path instead of the agent's jar: the classes that belong to
 * the bootstrap loader are packed into a temporary jar and appended to it; everything else stays where it is. Call {@link
 * #install} before any client class is loaded.
 */
public final class TestAgent {
    private static final String[] BOOTSTRAP_PACKAGES = {
        "io/sluice/limiter", "io/sluice/bridge", "io/sluice/instrumentation/httpurlconnection/boot"
    };

    private static boolean installed;

    private TestAgent() {}

    /** Installs the agent; does nothing the second time. */
    public static synchronized void install() {
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
            Installer.install("", instrumentation, jar, false);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void pack(File jar) throws IOException {
        try (JarOutputStream out = new JarOutputStream(new FileOutputStream(jar))) {
            Set<String> written = new HashSet<>();
            for (String folder : BOOTSTRAP_PACKAGES) {
                Enumeration<URL> places = TestAgent.class.getClassLoader().getResources(folder);
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

    /** The limiter of this JVM. */
    public static LimiterTable table() {
        LimiterTable table = ConnectionGate.table();
        if (table == null) {
            throw new IllegalStateException("the agent is not installed");
        }
        return table;
    }

    /** Changes the settings of this JVM. */
    public static void limits(Limits limits) {
        table().limits(limits);
    }

    /** So many connections per server, HTTP/1.0 or not, and per proxy; everything else as by default. */
    public static void limit(int perServer) {
        limits(Limits.builder()
                .maxConnectionsPerServer(perServer)
                .maxConnectionsPer10Server(perServer)
                .build());
    }

    /** The figures of a server. */
    public static Snapshot figures(TestServer server) {
        String url = server.url("/");
        return table().snapshot(Destination.server(url.startsWith("https") ? "https" : "http", server.host(), server.port()));
    }

    /** Waits until something is so; fails after ten seconds. Looks again every millisecond. */
    public static void await(String what, Callable<Boolean> condition) throws Exception {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.call()) {
            if (System.nanoTime() - endNanos > 0) {
                throw new AssertionError("not within 10 s: " + what + "; " + describe());
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private static String describe() {
        List<Snapshot> all = table().snapshot();
        StringBuilder text = new StringBuilder();
        for (Snapshot one : all) {
            text.append(one.destination())
                    .append(" limit=")
                    .append(one.limit())
                    .append(" leased=")
                    .append(one.leased())
                    .append(" idle=")
                    .append(one.idle())
                    .append(" open=")
                    .append(one.open())
                    .append(" pending=")
                    .append(one.pending())
                    .append("; ");
        }
        return text.toString();
    }
}
