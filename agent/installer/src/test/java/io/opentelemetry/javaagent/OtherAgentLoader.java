package io.opentelemetry.javaagent;

import java.util.Map;

/** A class loader whose name looks like that of another agent. */
public final class OtherAgentLoader extends ClassLoader {
    private final Map<String, byte[]> classes;

    /** A child of the given loader that defines these classes. */
    public OtherAgentLoader(ClassLoader parent, Map<String, byte[]> classes) {
        super(parent);
        this.classes = classes;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = classes.get(name);
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }
}
