package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.AdviceRules;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
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
        Class<?> type = OkHttpInstrumentation.class;
        File root = new File(
                type.getProtectionDomain().getCodeSource().getLocation().toURI());
        String folder = type.getPackage().getName().replace('.', '/');
        List<String> classes = new ArrayList<>();
        for (String file : new File(root, folder).list()) {
            String name = file.replace(".class", "");
            if (!name.startsWith("OkHttpInstrumentation")
                    && !name.startsWith("OkHttpAdvice")
                    && !name.equals("package-info")) {
                classes.add(type.getPackage().getName() + "." + name);
            }
        }
        assertThat(instrumentation.helpers()).containsExactlyInAnyOrderElementsOf(classes);
    }
}
