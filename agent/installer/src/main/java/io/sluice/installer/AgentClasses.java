package io.sluice.installer;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of our own classes: advice and helpers, which lie in the agent's jar as {@code inst/**.classdata}, and the
 * bridge, which lies at its root. Thread-safe.
 */
final class AgentClasses {
    /** The beginning of the names of all our classes. */
    static final String PREFIX = "io.sluice.";

    private final ClassLoader loader;
    private final @Nullable File jar;

    /**
     * Where to look.
     *
     * @param loader sees advice, helpers and, through its parents, usually the bridge
     * @param jar the agent's jar: a boot class path that was appended to cannot always be asked for resources; or null
     */
    AgentClasses(ClassLoader loader, @Nullable File jar) {
        this.loader = loader;
        this.jar = jar;
    }

    /** The class loader of the agent. */
    ClassLoader loader() {
        return loader;
    }

    /** The class file of a class of ours by its binary name; null where there is none. */
    byte @Nullable [] bytes(String name) throws IOException {
        if (!name.startsWith(PREFIX)) {
            return null;
        }
        String path = name.replace('.', '/') + ".class";
        InputStream stream = loader.getResourceAsStream(path);
        stream = stream != null ? stream : loader.getResourceAsStream("inst/" + path + "data");
        if (stream != null) {
            return read(stream);
        }
        if (jar == null) {
            return null;
        }
        ZipFile zip = new ZipFile(jar);
        try {
            ZipEntry entry = zip.getEntry(path);
            return entry == null ? null : read(zip.getInputStream(entry));
        } finally {
            zip.close();
        }
    }

    private static byte[] read(InputStream stream) throws IOException {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(8192);
            byte[] buffer = new byte[8192];
            for (int length = stream.read(buffer); length >= 0; length = stream.read(buffer)) {
                bytes.write(buffer, 0, length);
            }
            return bytes.toByteArray();
        } finally {
            stream.close();
        }
    }
}
