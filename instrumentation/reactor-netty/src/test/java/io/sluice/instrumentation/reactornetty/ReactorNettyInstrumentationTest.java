package io.sluice.instrumentation.reactornetty;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the instrumentation says about itself. */
class ReactorNettyInstrumentationTest {
    private static final String INSTRUMENTATION = ReactorNettyInstrumentation.class.getName();

    @Test
    void adviceStandsOnItsOwn() throws Exception {
        assertThat(AdviceRules.violations(
                        new ReactorNettyInstrumentation(), "reactor.", "io.netty.", "org.reactivestreams."))
                .isEmpty();
    }

    @Test
    void everyOtherClassIsAHelper() throws Exception {
        Path classes = Paths.get(ReactorNettyInstrumentation.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI())
                .resolve("io/sluice/instrumentation/reactornetty");
        List<String> found;
        try (Stream<Path> files = Files.list(classes)) {
            found = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".class") && !name.equals("package-info.class"))
                    .map(name -> getClass().getPackage().getName() + "." + name.replace(".class", ""))
                    .filter(name -> !name.startsWith(INSTRUMENTATION))
                    .collect(Collectors.toList());
        }
        assertThat(new ReactorNettyInstrumentation().helpers()).containsExactlyInAnyOrderElementsOf(found);
    }
}
