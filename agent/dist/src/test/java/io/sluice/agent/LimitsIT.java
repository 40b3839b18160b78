package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import java.io.File;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Which limit holds for a server, by the count of the server's kernel: for each kind of server and each way to say it. */
@Timeout(120)
class LimitsIT {

    private final Jdk main = Jdk.main();

    @TempDir
    File folder;

    @BeforeAll
    static void needsTheKernelsTable() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    /**
     * Starts two exchanges for each client and thus more than any limit here, and checks how many connections the kernel
     * counts when all the others wait. Then lets them end.
     */
    private static void assertLimit(int limit, List<String> clients, HttpProgram program, TestServer server)
            throws Exception {
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            server.holdAgain();
            server.forgetRequests();
            List<Integer> exchanges = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                for (String client : clients) {
                    exchanges.add(program.get(client, server.url("/hold")));
                }
            }
            server.awaitRequests(limit);
            program.awaitSettled();
            assertThat(meter.current()).isEqualTo(limit);
            server.letGo();
            for (int exchange : exchanges) {
                HttpProgram.Ended ended = program.await(exchange);
                assertThat(ended.what()).as("%s", ended).isEqualTo("200");
            }
            assertThat(meter.stop()).isEqualTo(limit);
        }
    }

    private static List<String> all(Jdk jdk) {
        return HttpProgram.clients(jdk);
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void serverOfHttp10HasItsOwnLimitFromItsFirstAnswerOn(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().http10().start();
                HttpProgram program = HttpProgram.start(jdk, "")) {
            assertThat(program.await(program.get("apache5", server.url("/say"))).what())
                    .isEqualTo("200");
            assertLimit(4, all(jdk), program, server);
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void tlsCountsAsAnyOther(Jdk jdk) throws Exception {
        File trusted = new File(folder, "trusted.jks");
        TestTls.writeTrustStore(trusted);
        try (TestServer server = Answers.server().tls().start();
                HttpProgram program = HttpProgram.start(HttpProgram.jvm(jdk)
                        .agent("")
                        .systemProperty("javax.net.ssl.trustStore", trusted)
                        .systemProperty("javax.net.ssl.trustStoreType", "JKS"))) {
            assertLimit(2, all(jdk), program, server);
            try (KernelMeter meter = KernelMeter.start(server.port())) {
                program.load(all(jdk), 4, 2, server.url("/say?ms=3"));
                program.awaitLoad().assertNobodyStarved(all(jdk).size());
                assertThat(meter.stop()).isLessThanOrEqualTo(2);
            }
            program.end();
        }
    }

    static List<Arguments> jdksAndModes() {
        List<Arguments> all = new ArrayList<>();
        for (Jdk jdk : Jdk.all()) {
            all.add(Arguments.of(jdk, "observe"));
            if (jdk == Jdk.main()) {
                all.add(Arguments.of(jdk, "off"));
            }
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("jdksAndModes")
    void nobodyWaitsWhereNothingIsEnforced(Jdk jdk, String mode) throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=1,mode=" + mode)) {
            assertLimit(2 * all(jdk).size(), all(jdk), program, server);
            program.end();
        }
    }

    @Test
    void overrideOfOneServerHoldsForItAlone() throws Exception {
        try (TestServer special = Answers.server().start();
                TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(HttpProgram.jvm(main)
                        .agent("")
                        .systemProperty("sluice.server.127.0.0.1:" + special.port() + ".maxConnections", 3))) {
            assertLimit(3, all(main), program, special);
            assertLimit(2, all(main), program, server);
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void programMayRaiseAndLowerTheLimitWhileItRuns(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=1");
                KernelMeter meter = KernelMeter.start(server.port())) {
            List<Integer> exchanges = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                exchanges.add(program.get(all(jdk).get(i % all(jdk).size()), server.url("/hold")));
            }
            server.awaitRequests(1);
            program.awaitSettled();
            assertThat(meter.current()).isEqualTo(1);
            program.set("sluice.maxConnectionsPerServer", 5);
            server.awaitRequests(5);
            assertThat(meter.current()).isEqualTo(5);
            server.letGo();
            for (int exchange : exchanges) {
                assertThat(program.await(exchange).what()).isEqualTo("200");
            }
            assertThat(meter.stop()).isEqualTo(5);
            program.end();
        }
    }

    @Test
    void limitOfTheWholeJvmHoldsForAllServersTogether() throws Exception {
        int limit = 3;
        try (TestServer first = Answers.server().start();
                TestServer second = Answers.server().start();
                KernelMeter firstMeter = KernelMeter.start(first.port());
                KernelMeter secondMeter = KernelMeter.start(second.port());
                HttpProgram program = HttpProgram.start(main, "maxConnections=" + limit)) {
            for (int i = 0; i < 3; i++) {
                for (TestServer server : new TestServer[] {first, second}) {
                    program.warmUp(all(main), server.url("/say"));
                    assertThat(firstMeter.current() + secondMeter.current()).isLessThanOrEqualTo(limit);
                }
            }
            List<Integer> exchanges = new ArrayList<>();
            for (String client : all(main)) {
                exchanges.add(program.get(client, first.url("/hold")));
                exchanges.add(program.get(client, second.url("/hold")));
            }
            Answers.awaitHeld(limit, first, second);
            program.awaitSettled();
            assertThat(firstMeter.current() + secondMeter.current()).isEqualTo(limit);
            first.letGo();
            second.letGo();
            for (int exchange : exchanges) {
                assertThat(program.await(exchange).what()).isEqualTo("200");
            }
            program.end();
        }
    }

    @Test
    void limitsOfDifferentServersAreIndependent() throws Exception {
        try (TestServer full = Answers.server().start();
                TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(main, "maxConnectionsPerServer=1")) {
            int holder = program.get("apache4", full.url("/hold"));
            full.awaitRequests(1);
            int waiter = program.get("apache4", full.url("/say"));
            program.awaitSettled();
            for (String client : all(main)) {
                program.warmUp(Collections.singletonList(client), server.url("/say"));
            }
            full.letGo();
            assertThat(program.await(holder).what()).isEqualTo("200");
            assertThat(program.await(waiter).what()).isEqualTo("200");
            program.end();
        }
    }
}
