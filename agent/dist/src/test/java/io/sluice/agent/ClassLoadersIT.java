package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.agent.child.LoaderProgram;
import io.sluice.agent.child.OsgiProgram;
import io.sluice.agent.child.bundle.ManyRequests;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Apache HttpClient 4 in OSGi bundles, in modules of JBoss Modules, and in other class loaders that show little. */
@Timeout(120)
class ClassLoadersIT {

    /** How a program sees packages of the JDK in the versions of JBoss Modules that have no module {@code java.se}. */
    private static final String SYSTEM_PATHS = "<system export='true'><paths>" + paths("javax/net", "javax/net/ssl")
            + paths("javax/naming", "javax/naming/ldap", "javax/naming/directory", "javax/crypto")
            + paths("javax/crypto/spec", "javax/security/auth/x500", "org/ietf/jgss") + "</paths></system>";

    @TempDir
    File folder;

    private Bundles bundles;

    @BeforeAll
    static void needsTheKernelsTable() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    @BeforeEach
    void prepare() {
        bundles = new Bundles(folder);
    }

    private static String paths(String... paths) {
        StringBuilder xml = new StringBuilder();
        for (String path : paths) {
            xml.append("<path name='").append(path).append("'/>");
        }
        return xml.toString();
    }

    /** A framework, and the JDKs that it runs on at all. */
    private static void add(List<Arguments> to, String jar, int oldest, int newest) {
        for (Jdk jdk : Jdk.from(oldest)) {
            if (jdk.feature() <= newest) {
                to.add(Arguments.of(jar, jdk));
            }
        }
    }

    static List<Arguments> osgi() {
        List<Arguments> all = new ArrayList<>();
        add(all, "org.apache.felix.framework-3.2.2.jar", 8, 8);
        add(all, "org.apache.felix.framework-5.6.12.jar", 8, 16);
        add(all, "org.apache.felix.framework-7.0.5.jar", 8, 99);
        add(all, "org.eclipse.osgi-3.7.1.jar", 8, 99);
        add(all, "org.eclipse.osgi-3.11.2.jar", 8, 8);
        add(all, "org.eclipse.osgi-3.24.300.jar", 8, 99);
        return all;
    }

    static List<Arguments> jbossModules() {
        List<Arguments> all = new ArrayList<>();
        add(all, "jboss-modules-1.1.5.GA.jar", 8, 8);
        // It sets a policy, which JVMs from 24 on refuse.
        add(all, "jboss-modules-1.12.3.Final.jar", 8, 23);
        add(all, "jboss-modules-2.3.0.jar", 11, 99);
        return all;
    }

    private static File framework(String jar) {
        return new File(System.getProperty("it.frameworks", "target/frameworks"), jar);
    }

    private static ChildJvm quiet(ChildJvm jvm, Jdk jdk, TestServer server) {
        return jvm.on(jdk)
                .timeoutSeconds(60)
                .jvmOptions("-Xmx256m")
                .systemProperty("test.url", server.url("/hold"))
                .systemProperty("org.apache.commons.logging.Log", "org.apache.commons.logging.impl.NoOpLog");
    }

    private ChildJvm osgiProgram(String jar, Jdk jdk, TestServer server, List<File> installed) {
        ChildJvm jvm = quiet(ChildJvm.program(OsgiProgram.class), jdk, server)
                .classPath(framework(jar))
                .arguments(new File(folder, "storage"));
        for (File bundle : installed) {
            jvm.arguments(bundle.toURI());
        }
        return jvm;
    }

    private ChildJvm module(String jar, Jdk jdk, TestServer server) throws IOException {
        return quiet(ChildJvm.program("org.jboss.modules.Main"), jdk, server)
                .classPath(framework(jar))
                .arguments("-mp", bundles.modules(SYSTEM_PATHS), "many.requests");
    }

    private ChildJvm inLoader(String kind, TestServer server) throws IOException {
        ChildJvm jvm = quiet(ChildJvm.program(LoaderProgram.class), Jdk.main(), server)
                .arguments(kind, ManyRequests.class.getName(), bundles.program().toURI());
        for (File library : Bundles.libraries()) {
            jvm.arguments(library.toURI());
        }
        return jvm;
    }

    /** The program must ask {@code /hold}. Whoever connected beyond the limit, however briefly, would be accepted. */
    private static void assertLimited(ChildJvm jvm, TestServer server) throws Exception {
        try (KernelMeter meter = KernelMeter.start(server.port());
                ChildJvm.Running running = jvm.agent("").start()) {
            server.awaitRequests(2);
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            ChildJvm.Result result = running.await();
            assertAllAnswered(result);
            assertThat(frameworksOwnWarningsAside(result)).as("%s", result).isEmpty();
            assertThat(meter.stop()).as("%s", result).isEqualTo(2);
            assertThat(server.acceptedConnections()).as("%s", result).isEqualTo(2);
        }
    }

    private static void assertAllAnswered(ChildJvm.Result result) {
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stdout().split("\\R"))
                .as("%s", result)
                .filteredOn(line -> !line.equals("[stopped]"))
                .hasSize(ManyRequests.COUNT)
                .containsOnly("[200]");
    }

    /** The JVM warns of what frameworks do with reflection and Unsafe, also without the agent. */
    private static String frameworksOwnWarningsAside(ChildJvm.Result result) {
        return result.stderr().replaceAll("(?m)^WARNING: (?!.*sluice).*\\R?", "");
    }

    @ParameterizedTest
    @MethodSource("osgi")
    void clientInsideABundleIsLimited(String jar, Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(osgiProgram(jar, jdk, server, bundles.together()), server);
        }
    }

    @ParameterizedTest
    @MethodSource("osgi")
    void clientWithABundleForEachLibraryIsLimited(String jar, Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(osgiProgram(jar, jdk, server, bundles.apart()), server);
        }
    }

    @ParameterizedTest
    @MethodSource("jbossModules")
    void clientInAModuleIsLimited(String jar, Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(module(jar, jdk, server), server);
        }
    }

    @Test
    void clientInALoaderWithoutParentIsLimited() throws Exception {
        try (TestServer server = Answers.server().start()) {
            assertLimited(inLoader("plain", server), server);
        }
    }

    /** Twelve requests are held at once, so the server sees them all only if nobody waits for a connection. */
    @Test
    void clientInALoaderThatHidesTheAgentRunsWithoutALimitAndAWarning() throws Exception {
        try (TestServer server = Answers.server().start();
                ChildJvm.Running running = inLoader("hiding", server).agent("").start()) {
            server.awaitRequests(ManyRequests.COUNT);
            server.letGo();
            ChildJvm.Result result = running.await();
            assertAllAnswered(result);
            assertThat(result.stderr())
                    .isEqualTo(String.format(
                            "[sluice] WARN apache-httpclient-4: left alone in classes of %s,"
                                    + " which hides io.sluice.bridge from them%n",
                            LoaderProgram.HidingClassLoader.class.getName()));
        }
    }

    /** What the other tests' programs do when nobody limits them. */
    @Test
    void withoutTheAgentAllConnectAtOnce() throws Exception {
        List<ChildJvm> programs = new ArrayList<>();
        try (TestServer server = Answers.server().start()) {
            Jdk jdk = Jdk.main();
            programs.add(osgiProgram("org.eclipse.osgi-3.24.300.jar", jdk, server, bundles.together()));
            programs.add(inLoader("plain", server));
            for (ChildJvm program : programs) {
                server.holdAgain();
                server.forgetRequests();
                try (ChildJvm.Running running = program.start()) {
                    server.awaitRequests(ManyRequests.COUNT);
                    server.letGo();
                    assertAllAnswered(running.await());
                }
            }
        }
    }
}
