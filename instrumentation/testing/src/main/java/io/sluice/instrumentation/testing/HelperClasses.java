package io.sluice.instrumentation.testing;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which classes an instrumentation must name as helpers. In tests everything is on the class path; a program has only what
 * is named.
 *
 * <pre>{@code
 * assertThat(instrumentation.helpers()).containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
 * }</pre>
 */
public final class HelperClasses {
    private HelperClasses() {}

    /**
     * The binary names of all classes of the instrumentation's module (a folder or a jar), but for the instrumentation, its
     * advice, and what lies in the bootstrap loader.
     */
    public static List<String> beside(ClientInstrumentation instrumentation) throws IOException, URISyntaxException {
        Set<String> agentSide = new HashSet<>();
        agentSide.add(instrumentation.getClass().getName());
        for (Hook hook : instrumentation.hooks()) {
            agentSide.add(hook.advice());
            agentSide.add(hook.advice().replaceAll("\\$.*", ""));
        }
        List<String> beside = new ArrayList<>();
        for (String name : classesOfModule(instrumentation.getClass())) {
            boolean inBootstrap = name.contains(".boot.");
            if (!inBootstrap && !name.endsWith("package-info") && !agentSide.contains(name)) {
                beside.add(name);
            }
        }
        return beside;
    }

    private static List<String> classesOfModule(Class<?> type) throws IOException, URISyntaxException {
        File place = new File(
                type.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<String> files = new ArrayList<>();
        if (place.isFile()) {
            try (JarFile jar = new JarFile(place)) {
                for (JarEntry entry : Collections.list(jar.entries())) {
                    files.add(entry.getName());
                }
            }
        } else {
            try (Stream<Path> tree = Files.walk(place.toPath())) {
                files.addAll(tree.map(path -> place.toPath().relativize(path).toString())
                        .collect(Collectors.toList()));
            }
        }
        return files.stream()
                .filter(name -> name.endsWith(".class"))
                .map(name -> name.replace(".class", "")
                        .replace(File.separatorChar, '.')
                        .replace('/', '.'))
                .collect(Collectors.toList());
    }
}
