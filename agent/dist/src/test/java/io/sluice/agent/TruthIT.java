package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One limit for all clients of a program together, by the count of the server's kernel. */
@Timeout(120)
class TruthIT {

    private static final int AT_ONCE = 64;

    @BeforeAll
    static void needsTheKernelsTable() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    static List<Arguments> jdksAndLimits() {
        List<Arguments> all = new ArrayList<>();
        for (Jdk jdk : Jdk.all()) {
            for (int limit : jdk == Jdk.main() ? new int[] {1, 2, 5} : new int[] {2}) {
                all.add(Arguments.of(jdk, limit));
            }
        }
        return all;
    }

    /** All clients, and those with pools of their own twice. */
    private static List<String> clientsWithPools(Jdk jdk) {
        List<String> pools = HttpProgram.clients(jdk);
        for (String client : HttpProgram.clients(jdk)) {
            if (!client.equals("urlconnection")) {
                pools.add(client + ":pool=b");
            }
        }
        return pools;
    }

    @ParameterizedTest
    @MethodSource("jdksAndLimits")
    void allClientsTogetherReachTheLimitAndNeverPassIt(Jdk jdk, int limit) throws Exception {
        List<String> clients = clientsWithPools(jdk);
        int threadsEach = AT_ONCE / clients.size() + 1;
        try (TestServer server = Answers.server().start();
                KernelMeter meter = KernelMeter.start(server.port());
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=" + limit)) {
            program.load(clients, threadsEach, 3, server.url("/hold?ms=3"));
            Answers.awaitHeld(limit, server); // which it does a moment after it has seen them
            program.awaitSettled();
            assertThat(meter.current()).isEqualTo(limit);
            assertThat(server.held()).isEqualTo(limit);
            server.letGo();
            program.awaitLoad().assertNobodyStarved(clients.size());
            assertThat(meter.stop()).isEqualTo(limit);
            assertThat(server.requests()).hasSize(3 * threadsEach * clients.size());
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void idleConnectionsOfOneClientMakeRoomForTheNextAtOnce(Jdk jdk) throws Exception {
        List<String> clients = HttpProgram.clients(jdk);
        try (TestServer other = Answers.server().start();
                TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "");
                KernelMeter meter = KernelMeter.start(server.port())) {
            program.warmUp(clients, other.url("/say"));
            for (int i = 0; i < 2; i++) {
                for (String client : clients) {
                    server.forgetRequests();
                    int first = program.get(client, server.url("/hold"));
                    int second = program.get(client, server.url("/hold"));
                    server.awaitRequests(2);
                    assertThat(meter.current()).isEqualTo(2);
                    server.letGo(2);
                    // The JDK's clients would keep the idle connections for 5 seconds at the least, Apache's for good.
                    for (int exchange : new int[] {first, second}) {
                        HttpProgram.Ended ended = program.await(exchange);
                        assertThat(ended.what()).as("%s", ended).isEqualTo("200");
                        assertThat(ended.millis()).as("%s", ended).isLessThan(4900);
                    }
                    assertThat(meter.current()).as("idle connections stay open").isEqualTo(2);
                }
            }
            assertThat(meter.stop()).isEqualTo(2);
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void waitersAreServedInTheOrderInWhichTheyAskedAcrossClients(Jdk jdk) throws Exception {
        List<String> clients = HttpProgram.representatives(jdk);
        // Its requests leave from a thread of its own, so that its caller's state says nothing about its place.
        clients.remove("javaAsync");
        try (TestServer other = Answers.server().start();
                TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=1")) {
            program.warmUp(clients, other.url("/say"));
            List<String> asked = new ArrayList<>(Collections.singletonList("/hold"));
            List<Integer> exchanges = new ArrayList<>();
            exchanges.add(program.get("urlconnection", server.url("/hold")));
            server.awaitRequests(1);
            for (int i = 1; i <= 3 * clients.size(); i++) {
                String target = "/hold?text=" + i;
                asked.add(target);
                exchanges.add(program.get(clients.get(i % clients.size()), server.url(target)));
                program.awaitWaiting(i);
            }
            assertThat(server.requests()).hasSize(1);
            server.letGo();
            for (int exchange : exchanges) {
                assertThat(program.await(exchange).what()).isEqualTo("200");
            }
            assertThat(server.targets()).isEqualTo(asked);
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void waitersOfAFullPoolHoldNobodyElseUp(Jdk jdk) throws Exception {
        String small = "apache4:maxPerServer=1";
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=2")) {
            List<Integer> ofSmallPool = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                ofSmallPool.add(program.get(small, server.url("/hold")));
            }
            server.awaitRequests(1);
            program.awaitSettled();
            assertThat(program.await(program.get("urlconnection", server.url("/say")))
                            .what())
                    .isEqualTo("200");
            server.letGo();
            for (int exchange : ofSmallPool) {
                assertThat(program.await(exchange).what()).isEqualTo("200");
            }
            program.end();
        }
    }
}
