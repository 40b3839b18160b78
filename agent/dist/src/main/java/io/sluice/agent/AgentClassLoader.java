package io.sluice.agent;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.security.AllPermission;
import java.security.CodeSource;
import java.security.Permissions;
import java.security.ProtectionDomain;
import java.security.cert.Certificate;
import java.util.Collections;
import java.util.Enumeration;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;

/**
 * Loads the agent's classes that the program must not see: {@code inst/**.classdata} in the agent jar, a name that no
 * scanner of class paths takes for a class.
 *
 * <p>The agent's own copy of a class or resource wins over whatever else is visible, because someone may have put another
 * Byte Buddy or OpenTelemetry onto the boot class path. All else comes from the parent, the loader of the platform's
 * classes: the program's classes are out of reach. The classes have all permissions, for a {@code SecurityManager} of the
 * program (Java 8 to 23) was not written with an agent in mind.
 *
 * <p>Safe for use by several threads, parallel capable. Reads the jar by {@code java.util.zip}, whose reads are not
 * interruptible, so an interrupted thread of the program can load our classes. Keeps the jar open for the JVM's life.
 */
final class AgentClassLoader extends ClassLoader {

    private static final String HIDDEN = "inst/";

    static {
        registerAsParallelCapable();
    }

    private final JarFile jar;
    private final ProtectionDomain domain;
    /** The parent of all resource addresses: a URL made from it inherits its handler, for which no permission is asked. */
    private final URL base;

    private AgentClassLoader(File agentJar) throws IOException {
        super(platformClassLoader());
        jar = new JarFile(agentJar, false);
        Permissions all = new Permissions();
        all.add(new AllPermission());
        URL jarAddress = agentJar.toURI().toURL();
        domain = new ProtectionDomain(new CodeSource(jarAddress, (Certificate[]) null), all);
        base = new URL("sluice", null, -1, "/", new EntryHandler());
    }

    /**
     * A loader of the hidden classes in this jar. The return type is as wide as this because the verifier of a caller then
     * need not load this class, which a renamed jar's first copy of {@link Agent} must not do.
     */
    static ClassLoader over(File agentJar) throws IOException {
        return new AgentClassLoader(agentJar);
    }

    /**
     * The loader of the JDK's classes that are not the bootstrap loader's: platform (9 and later) or extension (8). It is the
     * first ancestor of the application's loader; to ask {@code getPlatformClassLoader} reflectively costs 10 ms at start-up.
     */
    private static @Nullable ClassLoader platformClassLoader() {
        ClassLoader loader = ClassLoader.getSystemClassLoader();
        while (loader.getParent() != null) {
            loader = loader.getParent();
        }
        // A system loader of the program's own may have no parent; the JDK's own application loader has.
        return loader == ClassLoader.getSystemClassLoader() ? null : loader;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded == null) {
                ZipEntry entry = jar.getEntry(hiddenName(name.replace('.', '/') + ".class"));
                loaded = entry == null ? super.loadClass(name, false) : define(name, entry);
            }
            if (resolve) {
                resolveClass(loaded);
            }
            return loaded;
        }
    }

    private Class<?> define(String name, ZipEntry entry) throws ClassNotFoundException {
        byte[] bytes;
        try {
            bytes = read(entry);
        } catch (IOException | RuntimeException problem) {
            throw new ClassNotFoundException(name + " cannot be read from " + jar.getName(), problem);
        }
        definePackageOf(name);
        return defineClass(name, bytes, 0, bytes.length, domain);
    }

    /** Java 8 gives a class no {@code Package} unless its loader defines one. */
    private void definePackageOf(String className) {
        int lastDot = className.lastIndexOf('.');
        if (lastDot < 0 || getPackage(className.substring(0, lastDot)) != null) {
            return;
        }
        try {
            definePackage(className.substring(0, lastDot), null, null, null, null, null, null, null);
        } catch (IllegalArgumentException anotherThreadWasFaster) {
            // The package is there, which is all we want.
        }
    }

    private byte[] read(ZipEntry entry) throws IOException {
        try (InputStream in = jar.getInputStream(entry)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream((int) Math.max(entry.getSize(), 512));
            byte[] buffer = new byte[8192];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                bytes.write(buffer, 0, count);
            }
            return bytes.toByteArray();
        }
    }

    @Override
    public @Nullable URL getResource(String name) {
        URL own = findResource(name);
        return own == null ? super.getResource(name) : own;
    }

    /** Ours alone where we have one: a provider that the parent names would not fit our copy of the service. */
    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        URL own = findResource(name);
        return own == null ? super.getResources(name) : Collections.enumeration(Collections.singleton(own));
    }

    /**
     * Finds a resource by the name that it has outside the jar: the class file {@code a/B.class} is the entry
     * {@code inst/a/B.classdata}. The class files of our classes in the bootstrap loader are found as well, because that
     * loader does not show those of a jar that was appended while the JVM runs, and Byte Buddy has to read them.
     */
    @Override
    protected @Nullable URL findResource(String name) {
        String entry = hiddenName(name);
        if (jar.getEntry(entry) == null) {
            if (!name.startsWith("io/sluice/") || jar.getEntry(name) == null) {
                return null;
            }
            entry = name;
        }
        try {
            return new URL(base, "/" + entry);
        } catch (MalformedURLException unreadableName) {
            return null;
        }
    }

    @Override
    protected Enumeration<URL> findResources(String name) {
        URL own = findResource(name);
        return own == null ? Collections.<URL>emptyEnumeration() : Collections.enumeration(Collections.singleton(own));
    }

    private static String hiddenName(String name) {
        return HIDDEN + (name.endsWith(".class") ? name + "data" : name);
    }

    /** Opens entries of the jar; of our own, because a program may replace the JVM's handlers of "jar:" addresses. */
    private final class EntryHandler extends URLStreamHandler {
        @Override
        protected URLConnection openConnection(URL url) {
            return new EntryConnection(url);
        }
    }

    private final class EntryConnection extends URLConnection {
        EntryConnection(URL url) {
            super(url);
        }

        @Override
        public void connect() {
            connected = true;
        }

        @Override
        public InputStream getInputStream() throws IOException {
            ZipEntry entry = jar.getEntry(url.getPath().substring(1));
            if (entry == null) {
                throw new FileNotFoundException(url.toString());
            }
            return jar.getInputStream(entry);
        }
    }
}
