package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.agent.child.HelloWorld;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Settings from each source arrive, the strongest wins, and what is wrong is named in one line. */
@Timeout(120)
class SettingsIT {

    private static final String NUMBER = "expected an integer from 1 up, or unlimited";

    private final Jdk main = Jdk.main();

    @TempDir
    File folder;

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    private File file(String... lines) throws Exception {
        File file = new File(folder, "sluice.properties");
        Files.write(file.toPath(), Arrays.asList(lines), StandardCharsets.UTF_8);
        return file;
    }

    /** Of each source and all that are stronger, the value of the strongest holds. */
    @ParameterizedTest
    @ValueSource(strings = {"agent argument", "system property", "environment variable", "file", "default"})
    void strongestSourceHolds(String strongest) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        ChildJvm jvm = HttpProgram.jvm(main);
        String agentArguments = "";
        int expected = 2;
        switch (strongest) {
            case "agent argument":
                agentArguments = "maxConnectionsPerServer=6";
                expected++;
            // fall through: and all that are weaker
            case "system property":
                jvm.systemProperty("sluice.maxConnectionsPerServer", 5);
                expected++;
            // fall through: and all that are weaker
            case "environment variable":
                jvm.environment("SLUICE_MAX_CONNECTIONS_PER_SERVER", "4");
                expected++;
            // fall through: and all that are weaker
            case "file":
                jvm.environment(
                        "SLUICE_CONFIG",
                        file("sluice.maxConnectionsPerServer = 3").getPath());
                expected++;
            // fall through: and all that are weaker
            default:
        }
        try (TestServer server = Answers.server().start();
                KernelMeter meter = KernelMeter.start(server.port());
                HttpProgram program = HttpProgram.start(jvm.agent(agentArguments))) {
            for (int i = 0; i < 8; i++) {
                program.get("urlconnection", server.url("/hold"));
            }
            server.awaitRequests(expected);
            program.awaitSettled();
            assertThat(meter.current()).isEqualTo(expected);
            assertThat(server.requests()).hasSize(expected);
            server.letGo();
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void eachBadValueIsNamedInOneLineAndTheProgramStarts(Jdk jdk) throws Exception {
        File file = file("sluice.waitTimeout=5 apples", "other.key=many");
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .systemProperty("sluice.maxConnectionsPerServer", 0)
                .environment("SLUICE_MAX_PENDING", "-1")
                .agent("maxConnections=many,mode=strict,config=" + file)
                .run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stdout()).isEqualTo(String.format("Hello, world%n"));
        assertThat(result.stderr().split("\\R"))
                .as("%s", result)
                .containsExactlyInAnyOrder(
                        "[sluice] WARN sluice.maxConnections=many (agent argument): " + NUMBER
                                + "; using unlimited (default) instead",
                        "[sluice] WARN sluice.mode=strict (agent argument): expected enforce, observe or off"
                                + "; using enforce (default) instead",
                        "[sluice] WARN sluice.maxConnectionsPerServer=0 (system property): " + NUMBER
                                + "; using 2 (default) instead",
                        "[sluice] WARN SLUICE_MAX_PENDING=-1 (environment variable): " + NUMBER
                                + "; using unlimited (default) instead",
                        "[sluice] WARN sluice.waitTimeout=5 apples (file " + file
                                + "): expected 0, or a number with ms, s or m, such as 500ms or 30s"
                                + "; using 0 (default) instead");
    }

    @Test
    void badValueGivesWayToTheNextSource() throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(HttpProgram.jvm(main)
                        .environment("SLUICE_MAX_CONNECTIONS_PER_SERVER", "3")
                        .agent("maxConnectionsPerServer=many"))) {
            program.awaitStderr(String.format("%n")); // it is read by another thread than standard output
            assertThat(program.stderr())
                    .isEqualTo(String.format(
                            "[sluice] WARN sluice.maxConnectionsPerServer=many (agent argument): %s;"
                                    + " using SLUICE_MAX_CONNECTIONS_PER_SERVER=3 (environment variable) instead%n",
                            NUMBER));
            for (int i = 0; i < 5; i++) {
                program.get("urlconnection", server.url("/hold"));
            }
            server.awaitRequests(3);
            program.awaitSettled();
            assertThat(server.requests()).hasSize(3);
        }
    }

    @Test
    void unknownKeysAreNamedWithTheNearest() throws Exception {
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(main)
                .systemProperty("sluice.maxConectionsPerServer", 3)
                .environment("SLUICE_WAIT_TIMEOUTS", "3s")
                .agent("maxConnectionPerProxy=3")
                .run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stdout()).isEqualTo(String.format("Hello, world%n"));
        assertThat(result.stderr().split("\\R"))
                .as("%s", result)
                .containsExactlyInAnyOrder(
                        "[sluice] WARN unknown setting sluice.maxConectionsPerServer (system property);"
                                + " did you mean sluice.maxConnectionsPerServer?",
                        "[sluice] WARN unknown environment variable SLUICE_WAIT_TIMEOUTS;"
                                + " did you mean SLUICE_WAIT_TIMEOUT?",
                        "[sluice] WARN unknown setting sluice.maxConnectionPerProxy (agent argument);"
                                + " did you mean sluice.maxConnectionsPerProxy?");
    }

    @Test
    void missingFileIsNamedAndTheProgramStarts() {
        File missing = new File(folder, "missing.properties");
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(main)
                .agent("config=" + missing)
                .run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr())
                .as("%s", result)
                .startsWith("[sluice] WARN sluice.config=" + missing + " cannot be read")
                .containsOnlyOnce("[sluice]");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void infoIsExactlyOneLineOnTheStart(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(HttpProgram.jvm(jdk).agent("log=info"))) {
            program.warmUp(HttpProgram.clients(jdk), server.url("/say"));
            program.awaitStderr(String.format("%n")); // it is read by another thread than standard output
            assertThat(program.stderr())
                    .matches("\\[sluice] INFO \\S+ installed: 2 connections per server, [^\\n]*\\R");
        }
    }

    @Test
    void offIsSilentWhateverIsWrong() {
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(main)
                .systemProperty("sluice.maxConnectionsPerServer", "many")
                .systemProperty("sluice.nonsense", "many")
                .agent("log=off")
                .run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stdout()).isEqualTo(String.format("Hello, world%n"));
        assertThat(result.stderr()).isEmpty();
    }

    @Test
    void badValueAtRunTimeIsNamedOnceAndChangesNothing() throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(main, "maxConnectionsPerServer=1")) {
            for (int i = 0; i < 3; i++) {
                program.get("urlconnection", server.url("/hold"));
            }
            server.awaitRequests(1);
            program.set("sluice.maxConnectionsPerServer", "many");
            program.awaitStderr("[sluice] WARN sluice.maxConnectionsPerServer=many (system property set at run time): "
                    + NUMBER + "; keeping 1\n");
            program.awaitSettled();
            assertThat(server.requests()).hasSize(1);
            program.set("sluice.maxConnectionsPerServer", "3");
            server.awaitRequests(3);
            assertThat(program.stderr()).containsOnlyOnce("[sluice]");
        }
    }
}
