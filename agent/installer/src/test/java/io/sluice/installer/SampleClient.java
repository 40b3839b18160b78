package io.sluice.installer;

import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.util.LinkedHashMap;
import java.util.Map;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.Label;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * A client library made of generated classes in a class loader of its own. Each method takes a number and returns it
 * plus one, or throws for a negative one; there is a branch in it so that newer class files need a stack map frame.
 */
final class SampleClient extends ClassLoader {
    /** The message of what the methods throw. */
    static final String REFUSED = "negative";

    private final Map<String, byte[]> classes = new LinkedHashMap<>();

    SampleClient() {
        this(SampleClient.class.getClassLoader());
    }

    /** A client that sees the classes of the agent in this loader, as the bootstrap loader is no place for tests. */
    SampleClient(ClassLoader agent) {
        super(agent);
    }

    /** Adds a class; {@code version} is the class file's major version. */
    SampleClient with(int version, String className, String... methods) {
        classes.put(className, bytes(version, className, methods));
        return this;
    }

    Class<?> load(String className) throws ClassNotFoundException {
        return Class.forName(className, true, this);
    }

    /** Calls a method of a class of this client. */
    int call(String className, String method, int number) throws Throwable {
        return call(load(className), method, number);
    }

    static int call(Class<?> type, String method, int number) throws Throwable {
        Object instance = type.getConstructor().newInstance();
        try {
            return (Integer) type.getMethod(method, int.class).invoke(instance, number);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** Its own classes come first, also where the class path has some of that name. */
    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        Class<?> loaded = findLoadedClass(name);
        return loaded == null && classes.containsKey(name) ? findClass(name) : super.loadClass(name, resolve);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = classes.get(name);
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }

    /** As a real client's loader, this one knows neither our class files nor Byte Buddy's. */
    @Override
    public URL getResource(String name) {
        return name.startsWith("io/sluice/") || name.startsWith("net/bytebuddy/") ? null : super.getResource(name);
    }

    static byte[] bytes(int version, String className, String... methods) {
        return bytes(version, className, new String[0], methods);
    }

    static byte[] bytes(int version, String className, String[] interfaces, String[] methods) {
        ClassWriter type = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        type.visit(
                version,
                Opcodes.ACC_PUBLIC + Opcodes.ACC_SUPER,
                className.replace('.', '/'),
                null,
                "java/lang/Object",
                interfaces);
        MethodVisitor constructor = type.visitMethod(Opcodes.ACC_PUBLIC, "<init>", "()V", null, null);
        constructor.visitCode();
        constructor.visitVarInsn(Opcodes.ALOAD, 0);
        constructor.visitMethodInsn(Opcodes.INVOKESPECIAL, "java/lang/Object", "<init>", "()V", false);
        constructor.visitInsn(Opcodes.RETURN);
        constructor.visitMaxs(0, 0);
        constructor.visitEnd();
        for (String method : methods) {
            method(type.visitMethod(Opcodes.ACC_PUBLIC, method, "(I)I", null, null), version);
        }
        type.visitEnd();
        return type.toByteArray();
    }

    private static void method(MethodVisitor code, int version) {
        Label good = new Label();
        code.visitCode();
        code.visitVarInsn(Opcodes.ILOAD, 1);
        code.visitJumpInsn(Opcodes.IFGE, good);
        code.visitTypeInsn(Opcodes.NEW, "java/lang/IllegalStateException");
        code.visitInsn(Opcodes.DUP);
        code.visitLdcInsn(REFUSED);
        code.visitMethodInsn(
                Opcodes.INVOKESPECIAL, "java/lang/IllegalStateException", "<init>", "(Ljava/lang/String;)V", false);
        code.visitInsn(Opcodes.ATHROW);
        code.visitLabel(good);
        if (version >= Opcodes.V1_6) {
            code.visitFrame(Opcodes.F_SAME, 0, null, 0, null);
        }
        code.visitVarInsn(Opcodes.ILOAD, 1);
        code.visitInsn(Opcodes.ICONST_1);
        code.visitInsn(Opcodes.IADD);
        code.visitInsn(Opcodes.IRETURN);
        code.visitMaxs(0, 0);
        code.visitEnd();
    }
}
