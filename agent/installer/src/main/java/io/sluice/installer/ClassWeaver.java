package io.sluice.installer;

import io.sluice.instrumentation.api.Hook;
import java.io.IOException;
import java.util.List;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.description.method.MethodDescription;
import net.bytebuddy.description.type.TypeDescription;
import net.bytebuddy.dynamic.ClassFileLocator;
import net.bytebuddy.dynamic.DynamicType;
import net.bytebuddy.dynamic.TypeResolutionStrategy;
import net.bytebuddy.dynamic.scaffold.MethodGraph;
import net.bytebuddy.dynamic.scaffold.TypeValidation;
import net.bytebuddy.implementation.Implementation;
import net.bytebuddy.implementation.bytecode.StackManipulation;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import net.bytebuddy.matcher.ElementMatcher;
import net.bytebuddy.pool.TypePool;
import org.jspecify.annotations.Nullable;

/**
 * Inlines advice into the bytes of one class. Of our classes this and {@link ClassRelocator} alone use Byte Buddy, and so
 * their loading loads it. Thread-safe.
 *
 * <p>Everything is described by a type pool, from bytes: reflection on an advice class would load the client's classes
 * that it names, and classes loaded during a transformation are never offered to any transformer. {@code decorate} adds
 * no members, so that loaded classes can be woven, too, and copies what it does not know.
 */
final class ClassWeaver {
    /** A class is not as it should be; the message names it, and says what is wrong. */
    static final class UnknownShapeException extends Exception {
        private static final long serialVersionUID = 1;

        UnknownShapeException(String className, String what) {
            super(className + " has an unknown shape (" + what + ")");
        }

        private UnknownShapeException(String className, Throwable cause) {
            super(className + " could not be woven", cause);
        }
    }

    private final AgentClasses agentClasses;
    // ForDeclaredMethods: the class as another agent has changed it may name supertypes that exist in memory only.
    private final ByteBuddy byteBuddy = new ByteBuddy()
            .with(MethodGraph.Compiler.ForDeclaredMethods.INSTANCE)
            .with(TypeValidation.DISABLED);

    ClassWeaver(AgentClasses agentClasses) {
        this.agentClasses = agentClasses;
    }

    /**
     * The class with all its hooks.
     *
     * @param loader the class's loader; null is the bootstrap loader
     * @param client whose helpers are, or seem to be, in that loader
     * @throws UnknownShapeException where a hook that is not optional matches nothing, or the advice does not fit
     */
    byte[] weave(String className, @Nullable ClassLoader loader, byte[] classFile, List<Hook> hooks, Client client)
            throws UnknownShapeException {
        try {
            return weaveAll(className, loader, classFile, hooks, client);
        } catch (RuntimeException | LinkageError doesNotFit) {
            throw new UnknownShapeException(className, doesNotFit);
        }
    }

    private byte[] weaveAll(
            String className, @Nullable ClassLoader loader, byte[] classFile, List<Hook> hooks, Client client)
            throws UnknownShapeException {
        ClassFileLocator clientClasses = loader == null
                ? ClassFileLocator.ForClassLoader.ofBootLoader()
                : new ClassFileLocator.Compound(
                        ClassFileLocator.ForClassLoader.of(loader), ClassFileLocator.ForClassLoader.ofBootLoader());
        ClassFileLocator locator = new ClassFileLocator.Compound(
                ClassFileLocator.Simple.of(className, classFile),
                new AgentLocator(agentClasses, client),
                clientClasses);
        TypePool types =
                new TypePool.Default(new TypePool.CacheProvider.Simple(), locator, TypePool.Default.ReaderMode.FAST);
        TypeDescription type = types.describe(className).resolve();
        DynamicType.Builder<?> builder = byteBuddy.decorate(type, locator);
        for (Hook hook : hooks) {
            ElementMatcher<MethodDescription> methods = new MethodsOf(hook);
            if (!type.getDeclaredMethods().filter(methods).isEmpty()) {
                TypeDescription advice = types.describe(hook.advice()).resolve();
                builder = builder.visit(Advice.to(advice, locator)
                        .withExceptionHandler(new Report())
                        .on(methods));
            } else if (!hook.isOptional()) {
                throw new UnknownShapeException(className, "no method " + hook.method());
            }
        }
        return builder.make(TypeResolutionStrategy.Disabled.INSTANCE, types).getBytes();
    }

    /** Whether a class could not be woven for want of one that the hooks do not name: an optional library's. */
    boolean needsWhatTheProgramLacks(UnknownShapeException unknown, Client client) throws IOException {
        if (!(unknown.getCause() instanceof TypePool.Resolution.NoSuchTypeException)) {
            return false;
        }
        String missing = ((TypePool.Resolution.NoSuchTypeException) unknown.getCause()).getName();
        for (String named : ClassRelocator.namesIn(agentClasses, client)) {
            String name = named.replace('/', '.');
            if (missing.equals(client.relocation == null ? name : client.relocation.name(name))) {
                return false;
            }
        }
        return true;
    }

    private static final class MethodsOf extends ElementMatcher.Junction.ForNonNullValues<MethodDescription> {
        private final Hook hook;

        MethodsOf(Hook hook) {
            this.hook = hook;
        }

        @Override
        protected boolean doMatch(MethodDescription method) {
            return hook.matches(
                            method.getInternalName(),
                            method.getDescriptor(),
                            method.getParameters().size())
                    && !method.isAbstract()
                    && !method.isNative()
                    && !method.isBridge();
        }
    }

    /** What {@code suppress = Throwable.class} does with what it caught: {@code FailOpen.report(throwable)}. */
    private static final class Report extends StackManipulation.AbstractBase {
        @Override
        public Size apply(MethodVisitor methodVisitor, Implementation.Context implementationContext) {
            methodVisitor.visitMethodInsn(
                    Opcodes.INVOKESTATIC, "io/sluice/bridge/FailOpen", "report", "(Ljava/lang/Throwable;)V", false);
            return new Size(-1, 0);
        }
    }

    /** Finds our own classes, and no others: the agent has libraries that the client may have in another version. */
    private static final class AgentLocator implements ClassFileLocator {
        private static final String OURS = "io.sluice.";
        /** What advice is annotated with: an annotation that cannot be described would not be seen. */
        private static final String ANNOTATIONS = "net.bytebuddy.";

        private final AgentClasses classes;
        private final Client client;

        AgentLocator(AgentClasses classes, Client client) {
            this.classes = classes;
            this.client = client;
        }

        @Override
        public Resolution locate(String name) throws IOException {
            boolean ours = name.startsWith(OURS) || name.startsWith(ANNOTATIONS) || client.helpers.contains(name);
            byte[] bytes = ours ? classes.bytes(name, client.relocation) : null;
            return bytes == null ? new Resolution.Illegal(name) : new Resolution.Explicit(bytes);
        }

        @Override
        public void close() {
            // Nothing stays open.
        }
    }
}
