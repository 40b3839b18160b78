package io.sluice.telemetry;

import static io.sluice.limiter.Waits.aWait;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import io.opentelemetry.proto.trace.v1.Span;
import io.sluice.limiter.Wait;
import io.sluice.limiter.Waits;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs with OpenTelemetry of their own, the oldest and the newest. */
@Timeout(60)
class ProgramApiTest {
    private static final String HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    @RegisterExtension
    final OtelProperties properties = new OtelProperties();

    private final List<String> warnings = new CopyOnWriteArrayList<>();

    private WaitSpans spansOf(ClassLoader... programs) {
        WaitSpans spans = WaitSpans.create(warnings::add, Runnable::run);
        for (ClassLoader program : programs) {
            spans.programApiSeen(program);
        }
        return spans;
    }

    /** A wait on this thread: it asks, waits, and the listener is told. */
    private static void waitOnce(WaitSpans spans, Waits wait) {
        spans.ended(wait.context(spans.captureContext()).build());
    }

    private void flush(WaitSpans spans) {
        assertThat(spans.flush(20_000)).isTrue();
        assertThat(warnings).isEmpty();
    }

    private static Map<String, Object> only(List<Map<String, Object>> spans) {
        assertThat(spans).hasSize(1);
        return spans.get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"oldest", "newest"})
    @SuppressWarnings("unchecked")
    void aGlobalSdkGetsTheWaitAsAChildOfTheCurrentSpan(String version) {
        ProgramLoader loader = ProgramLoader.of(version);
        Program program = loader.program();
        program.setUpSdk(true);
        WaitSpans spans = spansOf(loader);

        String parent =
                program.inSpan(() -> waitOnce(spans, aWait().traceparent(HEADER).outcome(Wait.Outcome.CANCELLED)));
        flush(spans);

        Map<String, Object> span = only(program.finishedSpans());
        assertThat(span)
                .contains(
                        entry("name", "HTTP wait_for_connection api.example.com:8080"),
                        entry("kind", "INTERNAL"),
                        entry("start", Waits.START_EPOCH_NANOS),
                        entry("end", Waits.START_EPOCH_NANOS + Waits.DURATION_NANOS),
                        entry("traceId", parent.substring(3, 35)),
                        entry("parent", parent.substring(36, 52)),
                        entry("status", "ERROR"),
                        entry("scope", "io.sluice"));
        assertThat((Map<String, Object>) span.get("attributes"))
                .containsOnly(
                        entry("server.address", "api.example.com"),
                        entry("server.port", 8080L),
                        entry("url.scheme", "http"),
                        entry("error.type", "cancelled"),
                        entry("sluice.limit.kind", "server"),
                        entry("sluice.limit", 2L),
                        entry("sluice.pending", 5L),
                        entry("sluice.client", "apache-httpclient-4"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"oldest", "newest"})
    void aGlobalSdkGetsTheWaitBelowTheRequestsTraceparentWhereNoSpanIsCurrent(String version) {
        ProgramLoader loader = ProgramLoader.of(version);
        Program program = loader.program();
        program.setUpSdk(true);
        WaitSpans spans = spansOf(loader);

        program.inNoSpan(() -> waitOnce(spans, aWait().traceparent(HEADER)));
        flush(spans);

        assertThat(only(program.finishedSpans()))
                .contains(
                        entry("traceId", HEADER.substring(3, 35)),
                        entry("parent", HEADER.substring(36, 52)),
                        entry("status", "UNSET"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"oldest", "newest"})
    void aGlobalSdkGetsARootWhereThereIsNoParentAtAll(String version) {
        ProgramLoader loader = ProgramLoader.of(version);
        Program program = loader.program();
        program.setUpSdk(true);
        WaitSpans spans = spansOf(loader);

        program.inNoSpan(() -> waitOnce(spans, aWait()));
        flush(spans);

        assertThat(only(program.finishedSpans())).containsEntry("parent", "0000000000000000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"oldest", "newest"})
    void anSdkThatIsNotTheGlobalStillGivesTheParentOfASpanOfTheEmbeddedSdk(String version) throws IOException {
        ProgramLoader loader = ProgramLoader.of(version);
        Program program = loader.program();
        program.setUpSdk(false);

        assertThat(sentByEmbeddedSdk(loader, program)).isTrue();

        assertThat(program.finishedSpans()).isEmpty();
        program.setUpSdk(true); // throws if anyone had set the global
    }

    @ParameterizedTest
    @ValueSource(strings = {"oldest", "newest"})
    void aGlobalThatIsANoopLeavesTheSpanToTheEmbeddedSdk(String version) throws IOException {
        ProgramLoader loader = ProgramLoader.of(version);
        Program program = loader.program();
        program.setUpSdk(false);
        program.setGlobalToNoop();

        assertThat(sentByEmbeddedSdk(loader, program)).isTrue();
    }

    /** Whether the embedded SDK sent a wait inside a span of the program, as a child of that span, and a second one as a root. */
    private boolean sentByEmbeddedSdk(ProgramLoader loader, Program program) throws IOException {
        try (Collector collector = new Collector()) {
            properties.set("otel.exporter.otlp.endpoint", collector.url());
            WaitSpans spans = spansOf(loader);
            String parent = program.inSpan(() -> waitOnce(spans, aWait().traceparent(HEADER)));
            program.inNoSpan(() -> waitOnce(spans, aWait()));
            flush(spans);

            List<Span> sent = collector.otlpSpans();
            assertThat(sent).hasSize(2);
            assertThat(EmbeddedSdkTest.hex(sent.get(0).getTraceId())).isEqualTo(parent.substring(3, 35));
            assertThat(EmbeddedSdkTest.hex(sent.get(0).getParentSpanId())).isEqualTo(parent.substring(36, 52));
            return sent.get(1).getParentSpanId().isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"oldest", "newest"})
    void anApiThatTheProgramHasNotYetUsedIsLeftAsItIs(String version) {
        ProgramLoader loader = ProgramLoader.of(version);
        Program program = loader.program();
        WaitSpans spans = spansOf(loader);

        waitOnce(spans, aWait());
        flush(spans);

        assertThat(program.storageCanStillBeWrapped()).isTrue();
        program.setUpSdk(true); // throws if anyone had set the global
        String parent = program.inSpan(() -> waitOnce(spans, aWait()));
        flush(spans);
        assertThat(only(program.finishedSpans())).containsEntry("traceId", parent.substring(3, 35));
    }

    @Test
    void ofSeveralProgramsTheOneWithTheCurrentSpanGetsTheWait() {
        ProgramLoader[] loaders = {ProgramLoader.of("oldest"), ProgramLoader.of("newest"), ProgramLoader.of("newest")};
        Program[] programs = new Program[loaders.length];
        WaitSpans spans = spansOf(loaders);
        for (int i = 0; i < loaders.length; i++) {
            programs[i] = loaders[i].program();
            programs[i].setUpSdk(true);
        }
        for (Program program : programs) {
            program.inSpan(() -> waitOnce(spans, aWait()));
        }
        flush(spans);

        assertThat(programs).allSatisfy(program -> only(program.finishedSpans()));
    }

    @Test
    void anApiWhoseContextHasALoaderOfItsOwnIsUsed() {
        ProgramLoader loader = ProgramLoader.withContextApart();
        Program program = loader.program();
        program.setUpSdk(true);
        WaitSpans spans = spansOf(loader.getParent(), loader);

        program.inSpan(() -> waitOnce(spans, aWait()));
        flush(spans);

        only(program.finishedSpans());
    }

    @Test
    void theClassesThatShowAnApiAreInTheOldestAndTheNewest() throws ClassNotFoundException {
        for (String name : WaitSpans.programApiClasses()) {
            assertThat(ProgramLoader.of("oldest").loadClass(name))
                    .isNotEqualTo(ProgramLoader.of("newest").loadClass(name));
        }
    }

    @Test
    void waitsOfTheProgramsExportersAreNotReported() {
        ProgramLoader loader = ProgramLoader.of("newest");
        Program program = loader.program();
        program.setUpSdk(true);
        WaitSpans spans = spansOf(loader);

        program.inSpan(() -> program.asExporter(() -> waitOnce(spans, aWait())));
        flush(spans);

        assertThat(program.finishedSpans()).isEmpty();
    }

    @Test
    void aLoaderWithHalfAnApiIsPassedOver() {
        ProgramLoader loader = ProgramLoader.of("newest");
        Program program = loader.program();
        program.setUpSdk(true);
        WaitSpans spans = spansOf(new ClassLoader(null) {}, loader);

        program.inSpan(() -> waitOnce(spans, aWait()));
        flush(spans);

        only(program.finishedSpans());
    }

    @Test
    void aProgramsLoaderCanBeCollected() throws InterruptedException {
        WaitSpans spans = spansOf();
        WeakReference<ClassLoader> loader = runAProgram(spans);
        flush(spans);

        await().until(() -> {
            System.gc();
            return loader.get() == null;
        });
    }

    private static WeakReference<ClassLoader> runAProgram(WaitSpans spans) throws InterruptedException {
        ProgramLoader loader = ProgramLoader.of("newest");
        spans.programApiSeen(loader);
        Program program = loader.program();
        program.setUpSdk(true);
        Thread thread = new Thread(() -> program.inSpan(() -> waitOnce(spans, aWait())));
        thread.start();
        thread.join(); // its thread locals go with it
        assertThat(spans.flush(20_000)).isTrue();
        only(program.finishedSpans());
        return new WeakReference<>(loader);
    }
}
