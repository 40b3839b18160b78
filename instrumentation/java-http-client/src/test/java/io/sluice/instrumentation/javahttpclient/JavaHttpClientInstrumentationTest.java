package io.sluice.instrumentation.javahttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import java.io.IOException;
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
    void everyClassBesideTheClientIsAHelper() throws Exception {
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }

    @Test
    void itselfIsReadOnJava8() throws IOException {
        byte[] classFile = JavaHttpClientInstrumentation.class
                .getResourceAsStream("JavaHttpClientInstrumentation.class")
                .readAllBytes();
        assertThat(classFile[7]).isEqualTo((byte) 52);
    }
}
