package io.sluice.installer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.commons.ClassRemapper;
import net.bytebuddy.jar.asm.commons.Remapper;

/** A program's class loader with the library in {@code samplelib} and relocated copies of it, as a shaded jar has them. */
final class LibraryLoader extends ClassLoader {
    private static final List<String> CLASSES =
            Arrays.asList("samplelib.client.impl.SamplePoolManager", "samplelib.core.Wire");

    private final Map<String, byte[]> classes = new LinkedHashMap<>();
    private boolean showsClassFiles = true;

    LibraryLoader() {
        super(LibraryLoader.class.getClassLoader());
    }

    /** Adds the library as it is. */
    LibraryLoader withOriginal() throws IOException {
        return withCopy("samplelib", "samplelib");
    }

    /** Adds a copy: package names that begin with the second one begin with the first one there; pairs of them. */
    LibraryLoader withCopy(String... relocatedAndOriginal) throws IOException {
        AgentClasses library = new AgentClasses(LibraryLoader.class.getClassLoader());
        Remapper names = new Remapper(net.bytebuddy.jar.asm.Opcodes.ASM9) {
            @Override
            public String map(String name) {
                for (int i = 0; i < relocatedAndOriginal.length; i += 2) {
                    String original = relocatedAndOriginal[i + 1].replace('.', '/') + '/';
                    if (name.startsWith(original)) {
                        return relocatedAndOriginal[i].replace('.', '/') + '/' + name.substring(original.length());
                    }
                }
                return name;
            }
        };
        for (String name : CLASSES) {
            ClassWriter writer = new ClassWriter(0);
            new ClassReader(library.bytes(name)).accept(new ClassRemapper(writer, names) {}, 0);
            put(names.map(name.replace('.', '/')).replace('/', '.'), writer.toByteArray());
        }
        return this;
    }

    /** From now on nobody gets a class file. */
    LibraryLoader hidingClassFiles() {
        showsClassFiles = false;
        return this;
    }

    LibraryLoader put(String name, byte[] bytes) {
        classes.put(name, bytes);
        return this;
    }

    /** Has the manager of this name give out a wire. */
    Object take(String manager) throws Exception {
        Class<?> type = Class.forName(manager, true, this);
        return type.getMethod("take", String.class).invoke(type.getConstructor().newInstance(), "w");
    }

    /** Its own classes come first. */
    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        Class<?> loaded = findLoadedClass(name);
        if (loaded == null && classes.containsKey(name)) {
            return findClass(name);
        }
        if (loaded == null && name.startsWith("samplelib.")) {
            throw new ClassNotFoundException(name);
        }
        return super.loadClass(name, resolve);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = classes.get(name);
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }

    /** As a real program's loader, this one shows its class files, and has none of the agent. */
    @Override
    public URL getResource(String name) {
        byte[] bytes = showsClassFiles ? classes.get(name.replace(".class", "").replace('/', '.')) : null;
        boolean hidden = name.startsWith("io/sluice/") || name.startsWith("samplelib/");
        return bytes != null ? url(name, bytes) : hidden ? null : super.getResource(name);
    }

    private static URL url(String name, byte[] bytes) {
        try {
            return new URL(null, "memory:" + name, new URLStreamHandler() {
                @Override
                protected URLConnection openConnection(URL url) {
                    return new URLConnection(url) {
                        @Override
                        public void connect() {
                            // It is there.
                        }

                        @Override
                        public InputStream getInputStream() {
                            return new ByteArrayInputStream(bytes);
                        }
                    };
                }
            });
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }
}
