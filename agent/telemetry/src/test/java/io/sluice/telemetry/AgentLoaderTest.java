package io.sluice.telemetry;

import static io.sluice.limiter.Waits.aWait;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.WaitListener;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** This package in a loader of its own beside the program, as in the agent. */
@Timeout(60)
class AgentLoaderTest {
    @RegisterExtension
    final OtelProperties properties = new OtelProperties();

    private final List<String> warnings = new CopyOnWriteArrayList<>();
    private final AgentLoader agent = new AgentLoader();

    @Test
    void withNothingConfiguredNoThreadIsStartedAndNoClassOfOpenTelemetryLoaded() throws Exception {
        WaitListener listener = agent.waitSpans(warnings);
        long before = telemetryThreads();
        assertThat(listener.captureContext()).isNull();
        listener.ended(aWait().build());

        assertThat(agent.flush(listener)).isTrue();
        assertThat(telemetryThreads()).isEqualTo(before);
        assertThat(agent.defined)
                .contains("io.sluice.telemetry.WaitSpans")
                .noneMatch(name -> name.startsWith("io.opentelemetry"))
                .doesNotContain("io.sluice.telemetry.EmbeddedSdk", "io.sluice.telemetry.OpenTelemetryBridge");
    }

    @Test
    void aProgramsSdkIsUsedWithoutLoadingTheAgents() throws Exception {
        WaitListener listener = agent.waitSpans(warnings);
        ProgramLoader loader = ProgramLoader.of("newest");
        Program program = loader.program();
        program.setUpSdk(true);
        agent.programApiSeen(listener, loader);

        program.inSpan(
                () -> listener.ended(aWait().context(listener.captureContext()).build()));

        assertThat(agent.flush(listener)).isTrue();
        assertThat(program.finishedSpans()).hasSize(1);
        assertThat(agent.defined).noneMatch(name -> name.startsWith("io.opentelemetry"));
        assertThat(warnings).isEmpty();
    }

    @Test
    void theSdkIsBuiltFromTheAgentsOwnClassesAndServices() throws Exception {
        try (Collector collector = new Collector()) {
            properties.set("otel.exporter.otlp.endpoint", collector.url());
            WaitListener listener = agent.waitSpans(warnings);
            listener.ended(aWait().build());

            assertThat(agent.flush(listener)).isTrue();
            assertThat(collector.otlpSpans()).hasSize(1);
            assertThat(agent.defined).contains("io.opentelemetry.sdk.OpenTelemetrySdk");
            assertThat(warnings).isEmpty();
        }
    }

    @Test
    void threadsOfOursAreDaemonsWithoutAContextClassLoader() throws Exception {
        try (Collector collector = new Collector()) {
            properties.set("otel.exporter.otlp.endpoint", collector.url());
            WaitListener listener = agent.waitSpans(warnings);
            listener.ended(aWait().build());
            assertThat(agent.flush(listener)).isTrue();
        }

        assertThat(Thread.getAllStackTraces().keySet())
                .filteredOn(thread -> thread.getName().matches("(sluice-|BatchSpanProcessor).*"))
                .isNotEmpty()
                .allSatisfy(thread -> {
                    assertThat(thread.isDaemon()).isTrue();
                    assertThat(thread.getContextClassLoader()).isNull();
                });
    }

    private static long telemetryThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("sluice-"))
                .count();
    }

    private static final class AgentLoader extends URLClassLoader {
        final List<String> defined = new CopyOnWriteArrayList<>();

        AgentLoader() {
            super(urls(), ClassLoader.getSystemClassLoader().getParent());
        }

        private static URL[] urls() {
            List<URL> urls = new ArrayList<>();
            try {
                urls.add(WaitSpans.class.getProtectionDomain().getCodeSource().getLocation());
                for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                    if (new File(entry).getName().startsWith("opentelemetry-")) {
                        urls.add(new File(entry).toURI().toURL());
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return urls.toArray(new URL[0]);
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (name.startsWith("io.sluice.limiter.")) {
                return Class.forName(name); // in reality: from the bootstrap loader
            }
            Class<?> found = super.findClass(name);
            defined.add(name);
            return found;
        }

        WaitListener waitSpans(List<String> warnings) throws Exception {
            Consumer<String> warn = warnings::add;
            Consumer<Runnable> direct = Runnable::run;
            return (WaitListener) loadClass("io.sluice.telemetry.WaitSpans")
                    .getMethod("create", Consumer.class, Consumer.class)
                    .invoke(null, warn, direct);
        }

        void programApiSeen(WaitListener listener, ClassLoader loader) throws Exception {
            listener.getClass().getMethod("programApiSeen", ClassLoader.class).invoke(listener, loader);
        }

        boolean flush(WaitListener listener) throws Exception {
            return (boolean) listener.getClass().getMethod("flush", long.class).invoke(listener, 20_000L);
        }
    }
}
