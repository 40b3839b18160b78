package io.sluice.instrumentation.apachehttpasyncclient4;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class ApacheHttpAsyncClient4InstrumentationTest {
    @Test
    void theAdviceStandsOnItsOwn() throws Exception {
        assertThat(AdviceRules.violations(new ApacheHttpAsyncClient4Instrumentation(), "org.apache.http."))
                .isEmpty();
    }

    /** The tests have all classes on their class path; a program has only those that are named as helpers. */
    @Test
    void everyClassBesideTheClientIsNamed() throws Exception {
        ApacheHttpAsyncClient4Instrumentation instrumentation = new ApacheHttpAsyncClient4Instrumentation();
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }
}
