package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class AsyncHttpClientInstrumentationTest {
    @Test
    void theAdviceStandsOnItsOwn() throws Exception {
        assertThat(AdviceRules.violations(new AsyncHttpClientInstrumentation(), "org.asynchttpclient.", "io.netty."))
                .isEmpty();
    }

    /** The tests have all classes on their class path; a program has only those that are named as helpers. */
    @Test
    void everyClassBesideTheClientIsNamed() throws Exception {
        AsyncHttpClientInstrumentation instrumentation = new AsyncHttpClientInstrumentation();
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }
}
