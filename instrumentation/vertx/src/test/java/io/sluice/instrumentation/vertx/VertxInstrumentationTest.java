package io.sluice.instrumentation.vertx;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class VertxInstrumentationTest {
    @Test
    void itsAdviceKeepsTheRules() throws IOException {
        assertThat(AdviceRules.violations(new VertxInstrumentation(), "io.vertx."))
                .isEmpty();
    }
}
