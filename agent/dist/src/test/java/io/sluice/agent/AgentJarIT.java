package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.agent.child.ClassFinder;
import io.sluice.agent.child.HelloWorld;
import io.sluice.agent.child.ReadsStandardInput;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import net.bytebuddy.agent.ByteBuddyAgent;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The jar starts with every program, everywhere and silently. */
@Timeout(120)
class AgentJarIT {

    private static final String HELLO = String.format("Hello, world%n");
    private static final String SECOND_TIME =
            String.format("[sluice] WARN already installed: the second -javaagent (or attach) changes nothing%n");

    /** What HotSpot itself says, on 11 and later, about any agent that extends the boot class path while it runs. */
    private static final String SHARING_WARNING = "(?:.* warning: Sharing is only supported for boot loader classes"
            + " because bootstrap classpath has been appended\\R)?";

    @TempDir
    File folder;

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void programRunsAsWithoutTheAgent(Jdk jdk) {
        ChildJvm.Result result =
                ChildJvm.program(HelloWorld.class).on(jdk).agent("").run();
        assertSilent(result);
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void exitCodeIsTheProgramsOwn(Jdk jdk) {
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .agent("")
                .arguments(3)
                .run();
        assertThat(result.exitCode()).as("%s", result).isEqualTo(3);
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void pathsWithBlanksPercentAndPlusWork(Jdk jdk) throws IOException {
        File jar = copyOfJar("my folder+100%20!/really new", "sluice-agent.jar");
        assertSilent(ChildJvm.program(HelloWorld.class).on(jdk).agent(jar, "").run());
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void pathsBeyondAsciiWork(Jdk jdk) throws IOException {
        assumeTrue(
                "UTF-8".equals(System.getProperty("sun.jnu.encoding")), "this locale has no names of files for them");
        File jar = copyOfJar("\u00fcber-\u6c34\u9580", "sluice-agent.jar");
        assertSilent(ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .environment("LC_ALL", "C.UTF-8")
                .agent(jar, "")
                .run());
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void renamedJarWorks(Jdk jdk) throws IOException {
        File jar = copyOfJar("renamed", "limits 1.0.jar");
        ChildJvm.Result result = ChildJvm.program(ClassFinder.class)
                .on(jdk)
                .agent(jar, "")
                .arguments("io.sluice.agent.AgentClassLoader")
                .run();
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout()).isEqualTo(String.format("io.sluice.agent.AgentClassLoader bootstrap%n"));
        assertThat(result.stderr()).as("%s", result).matches(SHARING_WARNING);
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void secondOptionChangesNothingAndSaysSo(Jdk jdk) {
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .agent("")
                .agent("maxConnectionsPerServer=7")
                .run();
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout()).isEqualTo(HELLO);
        assertThat(result.stderr()).isEqualTo(SECOND_TIME);
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void secondCopyOfTheJarChangesNothingAndSaysSo(Jdk jdk) throws IOException {
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .agent(copyOfJar("one", "renamed.jar"), "")
                .agent(copyOfJar("two", "sluice-agent.jar"), "")
                .run();
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout()).isEqualTo(HELLO);
        assertThat(result.stderr()).as("%s", result).endsWith(SECOND_TIME).containsOnlyOnce("[sluice]");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void secondOptionIsSilentWhenTheLogIsOff(Jdk jdk) {
        assertSilent(ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .systemProperty("sluice.log", "off")
                .agent("")
                .agent("")
                .run());
    }

    static List<Arguments> jdksAndOddArguments() {
        List<Arguments> all = new ArrayList<>();
        for (Jdk jdk : Jdk.all()) {
            for (String odd : new String[] {
                ",,=,", "nonsense", "maxConnectionsPerServer=many", "=", "log=", "config=no/such/file", "mode=\u00e4"
            }) {
                all.add(Arguments.of(jdk, odd));
            }
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("jdksAndOddArguments")
    void oddAgentArgumentsKeepNoProgramFromStarting(Jdk jdk, String agentArguments) {
        ChildJvm.Result result =
                ChildJvm.program(HelloWorld.class).on(jdk).agent(agentArguments).run();
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout()).isEqualTo(HELLO);
        assertThat(result.stderr().split("\\R"))
                .as("%s", result)
                .allMatch(line -> line.matches("(\\[sluice] WARN .*)?"));
        assertThat(result.stderr()).as("%s", result).doesNotContain("not installed");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void programSeesOnlyWhatWovenCodeCalls(Jdk jdk) {
        ChildJvm.Result result = ChildJvm.program(ClassFinder.class)
                .on(jdk)
                .agent("")
                .arguments(
                        "io.sluice.agent.Agent",
                        "io.sluice.limiter.Destination",
                        "io.sluice.installer.Installer",
                        "net.bytebuddy.ByteBuddy",
                        "io.opentelemetry.api.OpenTelemetry",
                        "net/bytebuddy/ByteBuddy.class",
                        "io/sluice/installer/Installer.class")
                .run();
        assertThat(result.stderr()).as("%s", result).isEmpty();
        assertThat(result.stdout())
                .isEqualTo(String.format("io.sluice.agent.Agent bootstrap%n"
                        + "io.sluice.limiter.Destination bootstrap%n"
                        + "io.sluice.installer.Installer hidden%n"
                        + "net.bytebuddy.ByteBuddy hidden%n"
                        + "io.opentelemetry.api.OpenTelemetry hidden%n"
                        + "net/bytebuddy/ByteBuddy.class hidden%n"
                        + "io/sluice/installer/Installer.class hidden%n"));
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void attachToARunningProgramInstallsOnce(Jdk jdk) throws IOException {
        try (ChildJvm.Running program = ChildJvm.program(ReadsStandardInput.class)
                .on(jdk)
                .jvmOptions("-XX:+IgnoreUnrecognizedVMOptions", "-XX:+EnableDynamicAgentLoading")
                .start()) {
            program.awaitOutput(";");
            String pid = program.stdout().replaceAll("\\D", "");
            attach(pid);
            String afterFirst = program.stderr();
            attach(pid);
            program.stdin().close();
            ChildJvm.Result result = program.await();
            assertThat(result.exitCode()).as("%s", result).isZero();
            assertThat(afterFirst).matches(SHARING_WARNING);
            assertThat(result.stderr())
                    .as("%s", result)
                    .matches(SHARING_WARNING + SHARING_WARNING + Pattern.quote(SECOND_TIME));
            assertThat(result.stdout()).endsWith(String.format("end%n"));
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void securityManagerOfTheCommandLineIsNoObstacle(Jdk jdk) {
        assumeTrue(jdk.feature() < 24, "later JVMs have no security manager");
        ChildJvm.Result result = ChildJvm.program(HelloWorld.class)
                .on(jdk)
                .agent("")
                .systemProperty("java.security.manager", "")
                .run();
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout()).isEqualTo(HELLO);
        assertThat(result.stderr()).as("%s", result).doesNotContain("[sluice]").doesNotContain("Exception");
    }

    private static void attach(String pid) {
        try {
            ByteBuddyAgent.attach(ChildJvm.agentJar(), pid);
        } catch (IllegalStateException e) {
            // A JVM 8 answers success by "0", which the attach API since 9 takes for an error.
            if (!Throwables.getRootCause(e).toString().endsWith("AgentLoadException: 0")) {
                throw e;
            }
        }
    }

    private static void assertSilent(ChildJvm.Result result) {
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout()).as("%s", result).isEqualTo(HELLO);
        assertThat(result.stderr()).as("%s", result).isEmpty();
    }

    private File copyOfJar(String parent, String name) throws IOException {
        File copy = new File(new File(folder, parent), name);
        assertThat(copy.getParentFile().mkdirs()).isTrue();
        Files.copy(ChildJvm.agentJar().toPath(), copy.toPath());
        return copy;
    }
}
