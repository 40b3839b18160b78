package io.sluice.installer;

import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.security.AllPermission;
import java.security.Permissions;
import java.security.ProtectionDomain;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Defines classes of an instrumentation in the class loader of its client, so that they can name the client's types.
 *
 * <p>By {@code ClassLoader.defineClass}, which is protected: from Java 9 on, {@code java.lang} is opened to the agent's
 * module for it. Neither {@code sun.misc.Unsafe} (warns from Java 24 on) nor {@code Lookup.defineClass} (there needs to
 * be a loaded class of the package). No lock is held while a class is defined, since that may run the program's class
 * loaders: threads that come together define together, and whoever comes second finds the class there.
 */
final class Helpers {
    private final AgentClasses classes;
    private final Instrumentation instrumentation;
    private volatile @Nullable Method defineClass;
    private @Nullable ProtectionDomain domain;

    Helpers(AgentClasses classes, Instrumentation instrumentation) {
        this.classes = classes;
        this.instrumentation = instrumentation;
    }

    /**
     * Defines these classes in this order; those that are there already are passed over.
     *
     * @param relocation makes them from others of ours; null where they are as in the agent's jar
     */
    void define(ClassLoader target, List<String> names, @Nullable Relocation relocation) throws Exception {
        for (String name : names) {
            byte[] bytes = classes.bytes(name, relocation);
            if (bytes == null) {
                throw new ClassNotFoundException(name);
            }
            define(target, name, bytes);
        }
    }

    private void define(ClassLoader target, String name, byte[] bytes) throws Exception {
        Method method = defineClass();
        try {
            method.invoke(target, name, bytes, 0, bytes.length, domain);
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause();
            // "duplicate class definition": another thread was faster. All else is a fault of ours.
            boolean duplicate = cause instanceof LinkageError
                    && String.valueOf(cause.getMessage()).contains("duplicate");
            if (!duplicate) {
                throw new IllegalStateException(name + " could not be defined in " + target + ": " + cause, cause);
            }
        }
    }

    private Method defineClass() throws Exception {
        Method method = defineClass;
        if (method == null) {
            Modules.open(instrumentation, Collections.singletonList("java.base/java.lang"), Helpers.class);
            Permissions all = new Permissions();
            all.add(new AllPermission());
            domain = new ProtectionDomain(null, all);
            method = ClassLoader.class.getDeclaredMethod(
                    "defineClass", String.class, byte[].class, int.class, int.class, ProtectionDomain.class);
            method.setAccessible(true);
            defineClass = method;
        }
        return method;
    }
}
