package io.sluice.instrumentation.apachehttpclient40;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The tests have all classes on their class path; a program has only those that are named as helpers. */
@Timeout(10)
class InstrumentationTest {
    @Test
    void everyClassBesideTheClientIsNamed() throws Exception {
        ApacheHttpClient40Instrumentation instrumentation = new ApacheHttpClient40Instrumentation();
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }

    @Test
    void adviceKeepsTheRules() throws Exception {
        assertThat(AdviceRules.violations(new ApacheHttpClient40Instrumentation(), "org.apache."))
                .isEmpty();
    }
}
