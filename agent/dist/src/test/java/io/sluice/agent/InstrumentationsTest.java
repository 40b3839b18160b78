package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.testing.AdviceRules;
import io.sluice.instrumentation.testing.HelperClasses;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every instrumentation in the jar. */
@Timeout(60)
class InstrumentationsTest {
    private static final String[] LIBRARIES = {
        "sun.net.",
        "java.net.http.",
        "jdk.internal.net.http.",
        "org.apache.",
        "okhttp3.",
        "org.eclipse.jetty.",
        "org.asynchttpclient.",
        "io.vertx.",
        "reactor.",
        "org.reactivestreams.",
        "io.netty."
    };

    static List<ClientInstrumentation> all() {
        List<ClientInstrumentation> all = new ArrayList<>();
        for (ClientInstrumentation one : ServiceLoader.load(ClientInstrumentation.class)) {
            all.add(one);
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("all")
    void adviceKeepsTheRules(ClientInstrumentation instrumentation) throws IOException {
        assertThat(AdviceRules.violations(instrumentation, LIBRARIES)).isEmpty();
    }

    /** In tests everything is on the class path; a program has only what is named. */
    @ParameterizedTest
    @MethodSource("all")
    void everyClassBesideTheClientIsAHelper(ClientInstrumentation instrumentation) throws Exception {
        assertThat(instrumentation.helpers())
                .containsExactlyInAnyOrderElementsOf(HelperClasses.beside(instrumentation));
    }
}
