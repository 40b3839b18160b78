package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.agent.child.ManyOkHttpRequests;
import io.sluice.agent.child.SideBySide;
import io.sluice.agent.child.bundle.ManyRequests;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Apache HttpClient 4 in shaded jars, with and without {@code sluice.relocated}. */
@Timeout(120)
class RelocatedIT {
    private static final String PROGRAM = ManyRequests.class.getName();
    private static final String SETTING = "com.acme.shaded.org.apache.http:org.apache.http";
    private static final String OTHER_SETTING = "net.other.http4:org.apache.http";

    @TempDir
    static File folder;

    private static File acme;
    private static File other;

    @BeforeAll
    static void shade() throws IOException {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        acme = ShadedJar.relocating()
                .rename("org.apache.", "com.acme.shaded.org.apache.")
                .rename(PROGRAM, "com.acme.Program")
                .pack(new File(folder, "acme.jar"), ManyRequests.class, Bundles.libraries());
        other = ShadedJar.relocating()
                .rename("org.apache.http", "net.other.http4")
                .rename("org.apache.commons", "net.other.commons")
                .rename(PROGRAM, "net.other.Program")
                .pack(new File(folder, "other.jar"), ManyRequests.class, Bundles.libraries());
    }

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    private static ChildJvm jvm(Jdk jdk, TestServer server, String... mainClasses) {
        ChildJvm jvm = ChildJvm.program(SideBySide.class)
                .on(jdk)
                .timeoutSeconds(60)
                .jvmOptions("-Xmx256m")
                .systemProperty("test.url", server.url("/hold"))
                .arguments((Object[]) mainClasses);
        for (String shaded : new String[] {"org.apache", "com.acme.shaded.org.apache", "net.other"}) {
            jvm.systemProperty(shaded + ".commons.logging.Log", shaded + ".commons.logging.impl.NoOpLog");
        }
        return jvm.classPath(acme, other).classPath(Bundles.libraries().toArray(new File[0]));
    }

    /** Whoever connected beyond the limit, however briefly, would be accepted. */
    private static void assertLimited(ChildJvm jvm, TestServer server, int programs) throws Exception {
        try (KernelMeter meter = KernelMeter.start(server.port());
                ChildJvm.Running running = jvm.start()) {
            server.awaitRequests(2);
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            ChildJvm.Result result = running.await();
            assertAllAnswered(result, programs);
            assertThat(result.stderr()).as("%s", result).isEmpty();
            assertThat(meter.stop()).as("%s", result).isEqualTo(2);
        }
    }

    private static void assertAllAnswered(ChildJvm.Result result, int programs) {
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout().split("\\R"))
                .as("%s", result)
                .hasSize(programs * ManyRequests.COUNT)
                .containsOnly("[200]");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void relocatedCopyIsLimited(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(jvm(jdk, server, "com.acme.Program").agent("relocated=" + SETTING), server, 1);
            assertThat(server.acceptedConnections()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void originalAndTwoCopiesInOneProgramShareTheLimit(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(
                    jvm(jdk, server, "com.acme.Program", "net.other.Program", PROGRAM)
                            .agent("relocated=" + SETTING + "," + OTHER_SETTING + ",log=warn"),
                    server,
                    3);
        }
    }

    @Test
    void waitEndsWithTheCopysOwnExceptionAndIsASpanOfTheClient() throws Exception {
        try (TestServer server = Answers.server().start();
                SpanCollector collector = new SpanCollector();
                ChildJvm.Running running = jvm(Jdk.main(), server, "com.acme.Program")
                        .environment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.otlpEndpoint())
                        .agent("maxConnectionsPerServer=1,waitTimeout=1s,relocated=" + SETTING)
                        .start()) {
            int waiters = ManyRequests.COUNT - 1;
            running.awaitMatch(Pattern.compile("(?:\\[com\\.acme\\.shaded\\.org\\.apache\\.http\\.conn\\."
                    + "ConnectionPoolTimeoutException: timed out after \\d+ ms waiting for [^]]*]\\R){" + waiters
                    + "}"));
            server.letGo();
            assertThat(running.await().exitCode()).isZero();
            assertThat(collector.awaitOtlpSpans(waiters))
                    .hasSize(waiters)
                    .allSatisfy(span -> assertThat(SpanCollector.attributes(span))
                            .containsEntry("sluice.client", "apache-httpclient-4")
                            .containsEntry("error.type", "timeout"));
        }
    }

    @Test
    void settingMayComeFromTheEnvironmentOrAFile() throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(
                    jvm(Jdk.main(), server, "com.acme.Program")
                            .environment("SLUICE_RELOCATED", SETTING)
                            .agent(""),
                    server,
                    1);
        }
        File file = new File(folder, "sluice.properties");
        Files.write(file.toPath(), ("sluice.relocated=" + SETTING + "," + OTHER_SETTING).getBytes("UTF-8"));
        try (TestServer server = Answers.server().start()) {
            assertLimited(jvm(Jdk.main(), server, "net.other.Program").agent("config=" + file), server, 1);
        }
    }

    /** Twelve requests are held at once, so the server sees them all only if nobody waits for a connection. */
    @ParameterizedTest
    @MethodSource("jdks")
    void withoutTheSettingOneLineTellsWhatToSet(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start();
                ChildJvm.Running running =
                        jvm(jdk, server, "com.acme.Program").agent("").start()) {
            server.awaitRequests(ManyRequests.COUNT);
            server.letGo();
            assertOneWarning(running.await(), SETTING);
        }
        try (TestServer server = Answers.server().start();
                ChildJvm.Running running = jvm(jdk, server, "net.other.Program")
                        .agent("relocated=" + SETTING)
                        .start()) {
            server.awaitRequests(ManyRequests.COUNT);
            server.letGo();
            assertOneWarning(running.await(), SETTING + "," + OTHER_SETTING);
        }
    }

    private static void assertOneWarning(ChildJvm.Result result, String setting) {
        assertAllAnswered(result, 1);
        assertThat(result.stderr())
                .as("%s", result)
                .matches("\\[sluice] WARN \\S+: not limited in a relocated copy \\(\\S+\\); to have it limited,"
                        + " set sluice.relocated=" + Pattern.quote(setting) + "\\R");
    }

    /** The connection with the renamed method is loaded long after the manager, which would be hooked first. */
    @Test
    void copyOfUnknownShapeIsLeftAloneAsAWholeWithOneLine() throws Exception {
        ShadedJar.relocating()
                .rename("org.apache.", "com.acme.shaded.org.apache.")
                .rename(PROGRAM, "com.acme.Program")
                .renameMethod("receiveResponseHeader", "a")
                .pack(new File(folder, "obfuscated.jar"), ManyRequests.class, Bundles.libraries());
        try (TestServer server = Answers.server().start();
                ChildJvm.Running running = ChildJvm.program(SideBySide.class)
                        .systemProperty("test.url", server.url("/hold"))
                        .systemProperty(
                                "com.acme.shaded.org.apache.commons.logging.Log",
                                "com.acme.shaded.org.apache.commons.logging.impl.NoOpLog")
                        .classPath(new File(folder, "obfuscated.jar"))
                        .arguments("com.acme.Program")
                        .agent("relocated=" + SETTING)
                        .start()) {
            server.awaitRequests(ManyRequests.COUNT);
            server.letGo();
            ChildJvm.Result result = running.await();
            assertAllAnswered(result, 1);
            assertThat(result.stderr())
                    .isEqualTo(String.format("[sluice] WARN apache-httpclient-4:"
                            + " com.acme.shaded.org.apache.http.impl.DefaultBHttpClientConnection"
                            + " has an unknown shape (no method receiveResponseHeader); left alone%n"));
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void relocatedOkHttpIsLimitedByTheSettingThatTheWarningTells(Jdk jdk) throws Exception {
        File jar = ShadedJar.relocating()
                .rename("okhttp3.", "com.acme.okhttp3.")
                .rename("okio.", "com.acme.okio.")
                .rename("kotlin.", "com.acme.kotlin.")
                .rename(ManyOkHttpRequests.class.getName(), "com.acme.Program")
                .pack(
                        new File(folder, "okhttp.jar"),
                        ManyOkHttpRequests.class,
                        ShadedJar.librariesWith("okhttp3.OkHttpClient", "okio.Buffer", "kotlin.Unit"));
        try (TestServer server = Answers.server().start();
                ChildJvm.Running running = okHttp(jdk, jar, server).agent("").start()) {
            server.awaitRequests(ManyRequests.COUNT);
            server.letGo();
            assertOneWarning(running.await(), "com.acme.okhttp3:okhttp3");
        }
        try (TestServer server = Answers.server().start()) {
            assertLimited(okHttp(jdk, jar, server).agent("relocated=com.acme.okhttp3:okhttp3"), server, 1);
        }
        try (TestServer server = Answers.server().start()) {
            assertLimited(
                    okHttp(jdk, jar, server)
                            .agent("relocated=com.acme.kotlin:kotlin,com.acme.okio:okio,com.acme.okhttp3:okhttp3"),
                    server,
                    1);
        }
    }

    private static ChildJvm okHttp(Jdk jdk, File jar, TestServer server) {
        return ChildJvm.program(SideBySide.class)
                .on(jdk)
                .systemProperty("test.url", server.url("/hold"))
                .classPath(jar)
                .arguments("com.acme.Program");
    }

    @Test
    void badValueIsNamedAndTheProgramRuns() throws Exception {
        try (TestServer server = Answers.server().start()) {
            server.letGo();
            ChildJvm.Result result = jvm(Jdk.main(), server, PROGRAM)
                    .agent("relocated=org.apache.http")
                    .run();
            assertAllAnswered(result, 1);
            assertThat(result.stderr())
                    .isEqualTo(String.format("[sluice] WARN sluice.relocated=org.apache.http (agent argument): expected"
                            + " relocated:original package names, such as com.acme.okhttp3:okhttp3, with commas"
                            + " between several; using none (default) instead%n"));
        }
    }
}
