package io.sluice.agent;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.Opcodes;
import net.bytebuddy.jar.asm.commons.ClassRemapper;
import net.bytebuddy.jar.asm.commons.Remapper;

/**
 * A program in one jar with all that it needs, libraries under other package names, as shading build plug-ins make it: class
 * names are changed wherever they stand, also in texts.
 */
final class ShadedJar {
    private final Map<String, String> packages = new LinkedHashMap<>();
    private String method = "";
    private String newMethod = "";

    private ShadedJar() {}

    /** Nothing is renamed yet. */
    static ShadedJar relocating() {
        return new ShadedJar();
    }

    /** Renames what begins so, with dots. */
    ShadedJar rename(String original, String relocated) {
        packages.put(original.replace('.', '/'), relocated.replace('.', '/'));
        return this;
    }

    /** Renames all methods of this name, as an obfuscator does. */
    ShadedJar renameMethod(String name, String newName) {
        method = name;
        newMethod = newName;
        return this;
    }

    /** The libraries in whose jars these classes are. */
    static List<File> librariesWith(String... classNames) {
        List<File> libraries = new ArrayList<>();
        for (String className : classNames) {
            try {
                libraries.add(new File(Class.forName(className, false, ShadedJar.class.getClassLoader())
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI()));
            } catch (ReflectiveOperationException | URISyntaxException e) {
                throw new IllegalStateException("not on the test's class path: " + className, e);
            }
        }
        return libraries;
    }

    /** Packs a program of one class and the libraries that it needs. */
    File pack(File file, Class<?> programClass, List<File> libraries) throws IOException {
        Set<String> written = new HashSet<>();
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(file.toPath()))) {
            String program = programClass.getName().replace('.', '/') + ".class";
            try (InputStream in = ShadedJar.class.getClassLoader().getResourceAsStream(program)) {
                put(program, in, out);
            }
            for (File library : libraries) {
                try (JarFile jar = new JarFile(library)) {
                    for (JarEntry entry : Collections.list(jar.entries())) {
                        String name = entry.getName();
                        if (!entry.isDirectory() && !name.startsWith("META-INF/") && written.add(name)) {
                            put(name, jar.getInputStream(entry), out);
                        }
                    }
                }
            }
        }
        return file;
    }

    private void put(String name, InputStream in, JarOutputStream out) throws IOException {
        out.putNextEntry(new JarEntry(rename(name)));
        byte[] bytes = bytes(in);
        if (name.endsWith(".class")) {
            ClassWriter writer = new ClassWriter(0);
            new ClassReader(bytes).accept(new ClassRemapper(writer, new Names()), 0);
            bytes = writer.toByteArray();
        }
        out.write(bytes);
    }

    private String rename(String name) {
        for (Map.Entry<String, String> one : packages.entrySet()) {
            if (name.startsWith(one.getKey())) {
                return one.getValue() + name.substring(one.getKey().length());
            }
        }
        return name;
    }

    private static byte[] bytes(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
            bytes.write(buffer, 0, length);
        }
        return bytes.toByteArray();
    }

    private final class Names extends Remapper {
        Names() {
            super(Opcodes.ASM9);
        }

        @Override
        public String map(String internalName) {
            return rename(internalName);
        }

        @Override
        public String mapMethodName(String owner, String name, String descriptor) {
            return name.equals(method) ? newMethod : name;
        }

        @Override
        public Object mapValue(Object value) {
            if (!(value instanceof String)) {
                return super.mapValue(value);
            }
            String text = (String) value;
            return text.indexOf('/') >= 0
                    ? rename(text)
                    : rename(text.replace('.', '/')).equals(text.replace('.', '/'))
                            ? text
                            : rename(text.replace('.', '/')).replace('/', '.');
        }
    }
}
