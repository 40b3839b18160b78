package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
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
        Class<?> instrumentation = AsyncHttpClientInstrumentation.class;
        File root = new File(instrumentation
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        String folder = instrumentation.getPackage().getName().replace('.', '/');
        List<String> classes = new ArrayList<>();
        for (String file : new File(root, folder).list()) {
            String name = file.replace(".class", "");
            if (!name.startsWith(instrumentation.getSimpleName()) && !name.equals("package-info")) {
                classes.add(instrumentation.getPackage().getName() + "." + name);
            }
        }
        assertThat(new AsyncHttpClientInstrumentation().helpers()).containsExactlyInAnyOrderElementsOf(classes);
    }
}
