package io.sluice.instrumentation.apachehttpclient4;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.HelperClasses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The tests have all classes on their class path; a program has only those that are named as helpers. */
@Timeout(10)
class HelpersTest {
    @Test
    void everyClassBesideTheClientIsNamed() throws Exception {
        ApacheHttpClient4Instrumentation instrumentation = new ApacheHttpClient4Instrumentation();
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }
}
