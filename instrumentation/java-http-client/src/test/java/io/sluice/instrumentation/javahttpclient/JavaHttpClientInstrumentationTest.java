package io.sluice.instrumentation.javahttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class JavaHttpClientInstrumentationTest {
    private final JavaHttpClientInstrumentation instrumentation = new JavaHttpClientInstrumentation();

    @Test
    void itsAdviceKeepsTheRules() throws IOException {
        assertThat(AdviceRules.violations(instrumentation, "jdk.internal.net.http."))
                .isEmpty();
    }

    @Test
    void everyClassBesideTheClientIsAHelper() throws IOException, URISyntaxException {
        Path classes = Paths.get(JavaHttpClientInstrumentation.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI())
                .resolve("jdk/internal/net/http");
        try (Stream<Path> files = Files.list(classes)) {
            assertThat(files.map(file -> file.getFileName().toString())
                            .filter(name -> name.startsWith("Sluice"))
                            .map(name -> "jdk.internal.net.http." + name.replace(".class", "")))
                    .containsExactlyInAnyOrderElementsOf(instrumentation.helpers());
        }
    }

    @Test
    void itselfIsReadOnJava8() throws IOException {
        byte[] classFile = JavaHttpClientInstrumentation.class
                .getResourceAsStream("JavaHttpClientInstrumentation.class")
                .readAllBytes();
        assertThat(classFile[7]).isEqualTo((byte) 52);
    }
}
