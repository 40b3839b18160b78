package io.sluice.installer;

import java.lang.instrument.Instrumentation;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Exports and opens packages of named modules, on versions of Java that have modules (JEP 261, Java 9), to ourselves
 * alone. Everything is reached by reflection, since this code must also run on Java 8, where it does nothing.
 */
final class Modules {
    private Modules() {}

    /**
     * Exports and opens packages to the module of a class of ours, and lets their modules read it: that comes by itself
     * with the first class that is woven, but helpers are defined, and their supertypes resolved, before.
     *
     * @param packages as {@code module/package}; a module that this JVM does without is passed over
     */
    static void open(Instrumentation instrumentation, List<String> packages, Class<?> to) throws Exception {
        Class<?> moduleType = moduleType();
        if (moduleType == null || packages.isEmpty()) {
            return;
        }
        Object target = Class.class.getMethod("getModule").invoke(to);
        Map<String, Map<String, Set<?>>> byModule = new HashMap<String, Map<String, Set<?>>>();
        for (String modulePackage : packages) {
            int slash = modulePackage.indexOf('/');
            String module = modulePackage.substring(0, slash);
            Map<String, Set<?>> opened = byModule.get(module);
            if (opened == null) {
                opened = new HashMap<String, Set<?>>();
                byModule.put(module, opened);
            }
            opened.put(modulePackage.substring(slash + 1), Collections.singleton(target));
        }
        Method redefine = Instrumentation.class.getMethod(
                "redefineModule", moduleType, Set.class, Map.class, Map.class, Set.class, Map.class);
        for (Map.Entry<String, Map<String, Set<?>>> entry : byModule.entrySet()) {
            Object module = module(entry.getKey());
            if (module != null) {
                Map<String, Set<?>> opened = entry.getValue();
                redefine.invoke(
                        instrumentation,
                        module,
                        Collections.singleton(target),
                        opened,
                        opened,
                        Collections.emptySet(),
                        Collections.emptyMap());
            }
        }
    }

    private static @Nullable Class<?> moduleType() {
        try {
            return Class.forName("java.lang.Module");
        } catch (ClassNotFoundException noModules) {
            return null;
        }
    }

    /** A module of the boot layer: {@code ModuleLayer.boot().findModule(name).orElse(null)}. */
    private static @Nullable Object module(String name) throws Exception {
        Class<?> layerType = Class.forName("java.lang.ModuleLayer");
        Object boot = layerType.getMethod("boot").invoke(null);
        Object found = layerType.getMethod("findModule", String.class).invoke(boot, name);
        return ((java.util.Optional<?>) found).orElse(null);
    }
}
