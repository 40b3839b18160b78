package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The tests have all classes on their class path; a program has only those that are named as helpers. */
@Timeout(20)
class OkHttpInstrumentationTest {
    private final OkHttpInstrumentation instrumentation = new OkHttpInstrumentation();

    @Test
    void itsAdviceKeepsTheRules() throws Exception {
        assertThat(AdviceRules.violations(instrumentation, "okhttp3.")).isEmpty();
    }

    @Test
    void everyClassBesideTheClientIsAHelper() throws Exception {
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }
}
