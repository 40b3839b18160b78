package io.sluice.installer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of our own classes: advice, helpers and the bridge. The agent's class loader shows them all as resources,
 * those of the bootstrap loader included, which that loader itself does not always show. Thread-safe.
 */
final class AgentClasses {
    private final ClassLoader loader;

    AgentClasses(ClassLoader loader) {
        this.loader = loader;
    }

    /** The class loader of the agent. */
    ClassLoader loader() {
        return loader;
    }

    /** The same for a class in or beside a relocated copy of a client, or for the client itself, where that is null. */
    byte @Nullable [] bytes(String name, @Nullable Relocation relocation) throws IOException {
        if (relocation == null) {
            return bytes(name);
        }
        byte[] original = bytes(relocation.original(name));
        return original == null ? null : ClassRelocator.relocate(original, relocation);
    }

    /** The class file of a class of ours by its binary name; null where there is none. Not to be asked for others. */
    byte @Nullable [] bytes(String name) throws IOException {
        InputStream stream = loader.getResourceAsStream(name.replace('.', '/') + ".class");
        return stream == null ? null : bytes(stream);
    }

    /** All of a stream, which is closed. */
    static byte[] bytes(InputStream stream) throws IOException {
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
