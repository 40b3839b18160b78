package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import org.junit.jupiter.api.Test;

class InstrumentationTest {
    @Test
    void keepsTheRulesOfAdvice() throws Exception {
        assertThat(AdviceRules.violations(new ApacheHttpClient5AsyncInstrumentation(), "org.apache.hc."))
                .isEmpty();
    }
}
