package io.sluice.instrumentation.reactornetty;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import org.junit.jupiter.api.Test;

/** What the instrumentation says about itself. */
class ReactorNettyInstrumentationTest {
    @Test
    void adviceStandsOnItsOwn() throws Exception {
        assertThat(AdviceRules.violations(
                        new ReactorNettyInstrumentation(), "reactor.", "io.netty.", "org.reactivestreams."))
                .isEmpty();
    }

    @Test
    void everyOtherClassIsAHelper() throws Exception {
        ReactorNettyInstrumentation instrumentation = new ReactorNettyInstrumentation();
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }
}
