package io.sluice.instrumentation.classloaders;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Arrays;
import java.util.List;
import net.bytebuddy.asm.Advice;
import org.jspecify.annotations.Nullable;

/**
 * Hooks on the class loaders of Apache Felix 2 to 7, Eclipse Equinox 3.5 and later, and JBoss Modules 1 and 2. It is no
 * support of clients by the meaning of {@link ClientInstrumentation#support}: a loader must be woven before it loads a
 * client, when no class of any client was seen yet.
 */
public final class ClassLoadersInstrumentation implements ClientInstrumentation {
    private static final String SHOW =
            "io.sluice.instrumentation.classloaders.ClassLoadersInstrumentation$ShowBridgeAdvice";
    private static final String NAME_AND_RESOLVE = "(Ljava/lang/String;Z)";

    @Override
    public String client() {
        return "class-loaders";
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                // Felix 2 and 3, then Felix 4 and later; both have a subclass that does not override the method.
                overridden("org.apache.felix.framework.ModuleImpl$ModuleClassLoader"),
                overridden("org.apache.felix.framework.BundleWiringImpl$BundleClassLoader"),
                // Equinox up to 3.9 (Eclipse 4.3), then Equinox 3.10 and later.
                overridden("org.eclipse.osgi.internal.baseadaptor.DefaultClassLoader"),
                overridden("org.eclipse.osgi.internal.loader.ModuleClassLoader"),
                // The superclass of JBoss's ModuleClassLoader has both methods, final, and neither calls the other.
                Hook.on("org.jboss.modules.ConcurrentClassLoader")
                        .method("loadClass")
                        .advice(SHOW));
    }

    /** {@code ClassLoader.loadClass(String)}, which the JVM calls, calls the method with two parameters. */
    private static Hook overridden(String type) {
        return Hook.on(type).method("loadClass").descriptor(NAME_AND_RESOLVE).advice(SHOW);
    }

    /** A loader is asked for a class. */
    public static final class ShowBridgeAdvice {
        private ShowBridgeAdvice() {}

        /**
         * Finds the class as the loader's own class sees it, which the weaver has made sure of. Not by the null loader:
         * under a security manager that takes a permission, and a bundle on the stack has none.
         */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Class<?> enter(
                @Advice.Origin Class<?> loaderClass, @Advice.Argument(0) @Nullable String name) {
            if (name != null && (name.startsWith("io.sluice.bridge.") || name.startsWith("io.sluice.limiter."))) {
                try {
                    return Class.forName(name, false, loaderClass.getClassLoader());
                } catch (ClassNotFoundException noneOfOurs) {
                    return null; // the loader says so, too
                }
            }
            return null;
        }

        /** Returns the class if it was found. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Class<?> found, @Advice.Return(readOnly = false) @Nullable Class<?> returned) {
            if (found != null) {
                returned = found;
            }
        }
    }
}
