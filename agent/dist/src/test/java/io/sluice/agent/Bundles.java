package io.sluice.agent;

import io.sluice.agent.child.bundle.ManyRequests;
import io.sluice.agent.child.bundle.ManyRequestsActivator;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/** Packs {@link ManyRequests} and the libraries that it needs into jars, bundles and modules in one folder. */
final class Bundles {
    private static final List<Class<?>> PROGRAM = Arrays.asList(ManyRequests.class, ManyRequestsActivator.class);

    private final File folder;

    Bundles(File folder) {
        this.folder = folder;
    }

    /** The jars of Apache HttpClient 4 and of what it needs, those that others need first. */
    static List<File> libraries() {
        List<File> jars = new ArrayList<>();
        for (String className : new String[] {
            "org.apache.commons.logging.LogFactory",
            "org.apache.commons.codec.binary.Base64",
            "org.apache.http.HttpHost",
            "org.apache.http.impl.client.HttpClients"
        }) {
            try {
                jars.add(new File(Class.forName(className, false, Bundles.class.getClassLoader())
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI()));
            } catch (Exception e) {
                throw new IllegalStateException("not on the test's class path: " + className, e);
            }
        }
        return jars;
    }

    /** The program alone, as a jar like any other. */
    File program() throws IOException {
        return jar("plain", new Manifest(), Collections.emptyList(), PROGRAM);
    }

    /** One bundle with the program and all libraries. */
    List<File> together() throws IOException {
        Manifest manifest = manifest("together");
        manifest.getMainAttributes().putValue("Bundle-Activator", ManyRequestsActivator.class.getName());
        manifest.getMainAttributes().putValue("Import-Package", "org.osgi.framework");
        return Collections.singletonList(jar("together", manifest, libraries(), PROGRAM));
    }

    /**
     * A bundle for each library, and one for the program. Their imports are static: Felix 5 itself sometimes fails or
     * hangs when several threads are the first to need a package that is imported dynamically.
     */
    List<File> apart() throws IOException {
        List<File> bundles = new ArrayList<>();
        for (File library : libraries()) {
            String name = "library" + bundles.size();
            Manifest manifest = manifest(name);
            manifest.getMainAttributes().putValue("Export-Package", String.join(",", packages(library)));
            manifest.getMainAttributes().putValue("Import-Package", String.join(",", packagesOfAllBut(library)));
            bundles.add(jar(name, manifest, Collections.singletonList(library), Collections.emptyList()));
        }
        Manifest manifest = manifest("program");
        manifest.getMainAttributes().putValue("Bundle-Activator", ManyRequestsActivator.class.getName());
        manifest.getMainAttributes()
                .putValue("Import-Package", "org.osgi.framework," + String.join(",", packagesOfAllBut(null)));
        bundles.add(jar("program", manifest, Collections.emptyList(), PROGRAM));
        return bundles;
    }

    private static Set<String> packagesOfAllBut(@Nullable File one) throws IOException {
        Set<String> packages = new TreeSet<>();
        for (File library : libraries()) {
            if (!library.equals(one)) {
                packages.addAll(packages(library));
            }
        }
        return packages;
    }

    /**
     * A repository of modules for JBoss Modules with the program as module {@code many.requests}.
     *
     * @param jdk the element of {@code module.xml} by which a module of this version sees the JDK
     */
    File modules(String jdk) throws IOException {
        File module = new File(folder, "modules/many/requests/main");
        Files.createDirectories(module.toPath());
        StringBuilder xml = new StringBuilder("<module xmlns='urn:jboss:module:1.1' name='many.requests'>\n"
                + "<main-class name='" + ManyRequests.class.getName() + "'/>\n<resources>");
        List<File> jars = new ArrayList<>(libraries());
        jars.add(program());
        for (File jar : jars) {
            Files.copy(jar.toPath(), new File(module, jar.getName()).toPath());
            xml.append("<resource-root path='").append(jar.getName()).append("'/>\n");
        }
        xml.append("</resources>\n<dependencies>" + jdk + "</dependencies>\n</module>");
        Files.write(new File(module, "module.xml").toPath(), xml.toString().getBytes(StandardCharsets.UTF_8));
        return new File(folder, "modules");
    }

    private static Manifest manifest(String name) {
        Manifest manifest = new Manifest();
        Attributes attributes = manifest.getMainAttributes();
        attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        attributes.putValue("Bundle-ManifestVersion", "2");
        attributes.putValue("Bundle-SymbolicName", name);
        attributes.putValue("Bundle-Version", "1.0.0");
        return manifest;
    }

    private static Set<String> packages(File library) throws IOException {
        Set<String> packages = new TreeSet<>();
        try (JarFile jar = new JarFile(library)) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                String name = entry.getName();
                if (name.endsWith(".class") && !name.startsWith("META-INF/") && name.contains("/")) {
                    packages.add(name.substring(0, name.lastIndexOf('/')).replace('/', '.'));
                }
            }
        }
        return packages;
    }

    private File jar(String name, Manifest manifest, List<File> libraries, List<Class<?>> classes) throws IOException {
        File file = new File(folder, name + ".jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(file.toPath()), manifest)) {
            for (File library : libraries) {
                copyClasses(library, out);
            }
            for (Class<?> one : classes) {
                String entry = one.getName().replace('.', '/') + ".class";
                out.putNextEntry(new JarEntry(entry));
                try (InputStream in = Bundles.class.getClassLoader().getResourceAsStream(entry)) {
                    copy(in, out);
                }
            }
        }
        return file;
    }

    /** Without {@code META-INF}, where the libraries have files of the same names. */
    private static void copyClasses(File library, JarOutputStream out) throws IOException {
        try (JarFile jar = new JarFile(library)) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                if (!entry.isDirectory() && !entry.getName().startsWith("META-INF/")) {
                    out.putNextEntry(new JarEntry(entry.getName()));
                    try (InputStream in = jar.getInputStream(entry)) {
                        copy(in, out);
                    }
                }
            }
        }
    }

    private static void copy(InputStream in, JarOutputStream out) throws IOException {
        byte[] buffer = new byte[8192];
        for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
            out.write(buffer, 0, length);
        }
    }
}
