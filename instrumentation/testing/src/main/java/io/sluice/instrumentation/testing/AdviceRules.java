package io.sluice.instrumentation.testing;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.bytebuddy.jar.asm.AnnotationVisitor;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.FieldVisitor;
import net.bytebuddy.jar.asm.Handle;
import net.bytebuddy.jar.asm.Label;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import net.bytebuddy.jar.asm.Type;
import org.jspecify.annotations.Nullable;

/**
 * The rules of advice, checked on its class files. Advice is copied into the client's class, so it must stand on its own
 * there: only static methods, no fields, no lambdas and no class literals (clients' class files may be older than
 * these); nothing named but {@code java.*}, the client, the bridge and limiter, and classes that are defined beside the
 * client ({@code helpers()}) or in the bootstrap loader (packages named {@code boot}). What it throws must never reach
 * the program: {@code suppress = Throwable.class} everywhere.
 *
 * <pre>{@code
 * assertThat(AdviceRules.violations(new OkHttpInstrumentation(), "okhttp3.")).isEmpty();
 * }</pre>
 */
public final class AdviceRules {
    private static final String ADVICE = "Lnet/bytebuddy/asm/Advice$OnMethod";

    private final ClientInstrumentation instrumentation;
    private final String[] libraryPrefixes;
    private final Set<String> violations = new LinkedHashSet<>();
    private String advice = "";

    private AdviceRules(ClientInstrumentation instrumentation, String... libraryPrefixes) {
        this.instrumentation = instrumentation;
        this.libraryPrefixes = libraryPrefixes;
    }

    /**
     * What is wrong with the advice of an instrumentation, in words; empty when all is well.
     *
     * @param libraryPrefixes how names of the client's classes begin, such as {@code org.apache.http.}
     */
    public static List<String> violations(ClientInstrumentation instrumentation, String... libraryPrefixes)
            throws IOException {
        AdviceRules rules = new AdviceRules(instrumentation, libraryPrefixes);
        Set<String> names = new LinkedHashSet<>();
        for (Hook hook : instrumentation.hooks()) {
            names.add(hook.advice());
        }
        for (String name : names) {
            String path = "/" + name.replace('.', '/') + ".class";
            try (InputStream classFile = instrumentation.getClass().getResourceAsStream(path)) {
                if (classFile == null) {
                    rules.violations.add(name + " does not exist");
                    continue;
                }
                rules.advice = name;
                new ClassReader(classFile).accept(rules.new OfClass(), ClassReader.SKIP_DEBUG);
            }
        }
        return new ArrayList<>(rules.violations);
    }

    private void violated(String where, String what) {
        violations.add(advice + (where.isEmpty() ? " " : "." + where + " ") + what);
    }

    private void names(String method, Type type) {
        if (type.getSort() == Type.METHOD) {
            names(method, type.getReturnType());
            for (Type argument : type.getArgumentTypes()) {
                names(method, argument);
            }
        } else if (type.getSort() == Type.ARRAY) {
            names(method, type.getElementType());
        } else if (type.getSort() == Type.OBJECT && !isVisible(type.getClassName())) {
            violated(method, "names " + type.getClassName());
        }
    }

    private boolean isVisible(String name) {
        for (String prefix : libraryPrefixes) {
            if (name.startsWith(prefix)) {
                return true;
            }
        }
        return name.startsWith("java.")
                || name.startsWith("io.sluice.bridge.")
                || name.startsWith("io.sluice.limiter.")
                || name.startsWith("io.sluice.") && name.contains(".boot.")
                || instrumentation.helpers().contains(name);
    }

    private final class OfClass extends ClassVisitor {
        private boolean isAdvice;

        OfClass() {
            super(Opcodes.ASM9);
        }

        @Override
        public @Nullable FieldVisitor visitField(
                int access, String name, String descriptor, String signature, Object value) {
            violated(name, "is a field");
            return null;
        }

        @Override
        public @Nullable MethodVisitor visitMethod(
                int access, String name, String descriptor, String signature, String[] exceptions) {
            if (name.equals("<init>")) {
                return null;
            }
            if ((access & Opcodes.ACC_STATIC) == 0) {
                violated(name, "is not static");
            }
            names(name, Type.getMethodType(descriptor));
            return new OfMethod(this, name);
        }

        @Override
        public void visitEnd() {
            if (!isAdvice) {
                violated("", "has neither @OnMethodEnter nor @OnMethodExit");
            }
        }
    }

    private final class OfMethod extends MethodVisitor {
        private final OfClass ofClass;
        private final String method;

        OfMethod(OfClass ofClass, String method) {
            super(Opcodes.ASM9);
            this.ofClass = ofClass;
            this.method = method;
        }

        @Override
        public @Nullable AnnotationVisitor visitAnnotation(String descriptor, boolean visible) {
            if (!descriptor.startsWith(ADVICE)) {
                return null;
            }
            ofClass.isAdvice = true;
            return new AnnotationVisitor(Opcodes.ASM9) {
                private boolean suppressed;

                @Override
                public void visit(String name, Object value) {
                    suppressed |= name.equals("suppress") && value.equals(Type.getType(Throwable.class));
                }

                @Override
                public void visitEnd() {
                    if (!suppressed) {
                        violated(method, "lets throwables through: no suppress = Throwable.class");
                    }
                }
            };
        }

        @Override
        public void visitTypeInsn(int opcode, String type) {
            names(method, Type.getObjectType(type));
        }

        @Override
        public void visitFieldInsn(int opcode, String owner, String name, String descriptor) {
            names(method, Type.getObjectType(owner));
            names(method, Type.getType(descriptor));
        }

        @Override
        public void visitMethodInsn(int opcode, String owner, String name, String descriptor, boolean isInterface) {
            names(method, Type.getObjectType(owner));
            names(method, Type.getMethodType(descriptor));
        }

        @Override
        public void visitTryCatchBlock(Label start, Label end, Label handler, String type) {
            if (type != null) {
                names(method, Type.getObjectType(type));
            }
        }

        @Override
        public void visitInvokeDynamicInsn(String name, String descriptor, Handle bootstrap, Object... arguments) {
            violated(method, "has an invokedynamic: a lambda, a method reference or a concatenation");
        }

        @Override
        public void visitLdcInsn(Object value) {
            if (value instanceof Type) {
                violated(method, "has a class literal");
            }
        }
    }
}
