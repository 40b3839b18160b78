package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.TestServer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** While a hundred exchanges wait, no selector, reactor, event loop or caller of an asynchronous client does. */
@Timeout(120)
class ThreadsIT {
    private static final int WAITING = 100;
    private static final int LIMIT = 2;

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void noThreadOfAnAsynchronousClientIsParked(Jdk jdk) throws Exception {
        List<String> clients = HttpProgram.asynchronousClients(jdk);
        List<TestServer> servers = new ArrayList<>();
        try (HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=" + LIMIT)) {
            for (String client : clients) {
                TestServer server = Answers.server().start();
                servers.add(server);
                // One thread begins them all: it would never get to the third if it waited.
                program.burst(servers.size(), client, WAITING, server.url("/hold"));
            }
            for (TestServer server : servers) {
                server.awaitRequests(LIMIT);
            }
            program.awaitWaiting(clients.size() * (WAITING - LIMIT));
            program.awaitSettled();
            assertThat(program.parked()).isEqualTo("[]");
            for (int i = 0; i < servers.size(); i++) {
                assertThat(servers.get(i).requests()).as(clients.get(i)).hasSize(LIMIT);
                servers.get(i).letGo();
                assertThat(program.awaitBurst(i + 1)).as(clients.get(i)).isEqualTo(WAITING);
            }
            program.end();
        } finally {
            for (TestServer server : servers) {
                server.close();
            }
        }
    }

    /** The test above can fail: where a thread does wait, it is seen. */
    @ParameterizedTest
    @MethodSource("jdks")
    void aBlockingCallerIsParkedAndSeen(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=1")) {
            int holder = program.get("urlconnection", server.url("/hold"));
            server.awaitRequests(1);
            int waiter = program.get("urlconnection", server.url("/hold"));
            program.awaitWaiting(1);
            program.awaitSettled();
            assertThat(program.parked()).contains("io.sluice.limiter.").contains("HttpCommands");
            server.letGo();
            assertThat(program.await(holder).what()).isEqualTo("200");
            assertThat(program.await(waiter).what()).isEqualTo("200");
            program.end();
        }
    }
}
