package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import io.sluice.instrumentation.testing.AdviceRules;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every instrumentation in the jar. */
@Timeout(60)
class InstrumentationsTest {
    private static final String[] LIBRARIES = {
        "sun.net.",
        "java.net.http.",
        "jdk.internal.net.http.",
        "org.apache.",
        "okhttp3.",
        "org.eclipse.jetty.",
        "org.asynchttpclient.",
        "io.vertx.",
        "reactor.",
        "org.reactivestreams.",
        "io.netty."
    };

    static List<ClientInstrumentation> all() {
        List<ClientInstrumentation> all = new ArrayList<>();
        for (ClientInstrumentation one : ServiceLoader.load(ClientInstrumentation.class)) {
            all.add(one);
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("all")
    void adviceKeepsTheRules(ClientInstrumentation instrumentation) throws IOException {
        assertThat(AdviceRules.violations(instrumentation, LIBRARIES)).isEmpty();
    }

    /** In tests everything is on the class path; a program has only what is named. */
    @ParameterizedTest
    @MethodSource("all")
    void everyClassBesideTheClientIsAHelper(ClientInstrumentation instrumentation) throws Exception {
        Set<String> agentSide = new HashSet<>();
        agentSide.add(instrumentation.getClass().getName());
        for (Hook hook : instrumentation.hooks()) {
            agentSide.add(hook.advice());
            agentSide.add(hook.advice().replaceAll("\\$.*", ""));
        }
        List<String> beside = new ArrayList<>();
        for (String name : classesBeside(instrumentation.getClass())) {
            boolean inBootstrap = name.contains(".boot.");
            if (!inBootstrap && !name.endsWith("package-info") && !agentSide.contains(name)) {
                beside.add(name);
            }
        }
        assertThat(instrumentation.helpers()).containsExactlyInAnyOrderElementsOf(beside);
    }

    private static List<String> classesBeside(Class<?> type) throws IOException, URISyntaxException {
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
