package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.agent.child.StatusOnly;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever goes wrong: the program sees what it would see without the agent, and those who wait go on. */
@Timeout(120)
class FaultsIT {

    /** Of the server; the last one is not for every JDK, since it takes Apache 5 a second. */
    private static final List<String> FAULTS = Arrays.asList("never", "hangup", "reset");

    private static final String READ_TIMEOUT = ":readTimeout=500";

    private static final Map<String, String> EXCEPTION_OF_A_WAIT = new HashMap<>();

    static {
        EXCEPTION_OF_A_WAIT.put("urlconnection", "java.net.SocketTimeoutException");
        EXCEPTION_OF_A_WAIT.put("apache4", "org.apache.http.conn.ConnectionPoolTimeoutException");
        EXCEPTION_OF_A_WAIT.put("apache5", "org.apache.hc.core5.http.ConnectionRequestTimeoutException");
        EXCEPTION_OF_A_WAIT.put("apache3", "org.apache.commons.httpclient.ConnectionPoolTimeoutException");
        EXCEPTION_OF_A_WAIT.put("apache4Old", "org.apache.http.conn.ConnectionPoolTimeoutException");
        EXCEPTION_OF_A_WAIT.put("apache4Async", "java.util.concurrent.TimeoutException");
        EXCEPTION_OF_A_WAIT.put("apache5Async", "org.apache.hc.core5.util.DeadlineTimeoutException");
        EXCEPTION_OF_A_WAIT.put("okhttp", "java.io.InterruptedIOException");
        EXCEPTION_OF_A_WAIT.put("okhttpAsync", "java.io.InterruptedIOException");
        EXCEPTION_OF_A_WAIT.put("jetty", "java.util.concurrent.TimeoutException");
        EXCEPTION_OF_A_WAIT.put("asyncHttpClient", "java.util.concurrent.TimeoutException");
        EXCEPTION_OF_A_WAIT.put("vertx", "io.vertx.core.impl.NoStackTraceTimeoutException");
        EXCEPTION_OF_A_WAIT.put(
                "reactorNetty", "reactor.netty.internal.shaded.reactor.pool.PoolAcquireTimeoutException");
        EXCEPTION_OF_A_WAIT.put("java", "java.net.http.HttpConnectTimeoutException");
        EXCEPTION_OF_A_WAIT.put("javaAsync", "java.net.http.HttpConnectTimeoutException");
    }

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void afterAFaultOfTheServerTheNextWaiterGoes(Jdk jdk) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        List<String> unlimited = faultsOfTheServer(jdk, HttpProgram.jvm(jdk), 0);
        List<String> limited = faultsOfTheServer(jdk, HttpProgram.jvm(jdk).agent("maxConnectionsPerServer=1"), 1);
        assertThat(limited).isEqualTo(unlimited);
    }

    /** What each client saw of each fault. While it waits for the answer, the next client waits for it, if there is a limit. */
    private static List<String> faultsOfTheServer(Jdk jdk, ChildJvm jvm, int limit) throws Exception {
        List<String> seen = new ArrayList<>();
        List<String> clients = HttpProgram.representatives(jdk);
        try (TestServer server = Answers.server().start();
                TestServer other = Answers.server().start();
                KernelMeter meter = KernelMeter.start(server.port());
                HttpProgram program = HttpProgram.start(jvm)) {
            // Some clients' read timeouts are for the whole exchange, and to load all their classes may take longer.
            program.warmUp(clients, other.url("/say"));
            for (String fault : jdk == Jdk.main() ? FAULTS : FAULTS.subList(0, 2)) {
                for (int i = 0; i < clients.size(); i++) {
                    server.holdAgain();
                    server.forgetRequests();
                    String options = fault.equals("never") ? READ_TIMEOUT : "";
                    int victim = program.get(clients.get(i) + options, server.url("/hold?then=" + fault));
                    server.awaitRequests(1);
                    int next = program.get(clients.get((i + 1) % clients.size()), server.url("/say"));
                    if (!fault.equals("never")) {
                        server.awaitRequests(limit == 1 ? 1 : 2);
                        program.awaitSettled();
                        assertThat(server.requests()).hasSize(limit == 1 ? 1 : 2);
                        server.letGo();
                    }
                    seen.add(clients.get(i) + " " + fault + " "
                            + program.await(victim).what());
                    assertThat(program.await(next).what()).as("after %s", seen).isEqualTo("200");
                }
            }
            program.end();
            if (limit > 0) {
                assertThat(meter.stop()).isEqualTo(limit);
            }
        }
        return seen;
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void afterAFailedConnectTheNextWaiterGoes(Jdk jdk) throws Exception {
        try (TestServer untrusted = Answers.server().tls().start()) {
            int closedPort;
            try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                closedPort = free.getLocalPort();
            }
            List<String> urls = Arrays.asList(untrusted.url("/say"), "http://127.0.0.1:" + closedPort + "/");
            assertThat(failedConnects(jdk, HttpProgram.jvm(jdk).agent("maxConnectionsPerServer=1"), urls))
                    .isEqualTo(failedConnects(jdk, HttpProgram.jvm(jdk), urls));
        }
    }

    /** What each client saw, all of them at once. */
    private static List<String> failedConnects(Jdk jdk, ChildJvm jvm, List<String> urls) {
        List<String> seen = new ArrayList<>();
        try (HttpProgram program = HttpProgram.start(jvm)) {
            List<Integer> exchanges = new ArrayList<>();
            for (String url : urls) {
                for (String client : HttpProgram.representatives(jdk)) {
                    exchanges.add(program.get(client, url));
                    exchanges.add(program.get(client, url));
                }
            }
            for (int exchange : exchanges) {
                HttpProgram.Ended ended = program.await(exchange);
                assertThat(ended.what()).as("%s", ended).contains("Exception");
                seen.add(exchange + " " + ended.what());
            }
            program.end();
        }
        return seen;
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void waitTimeoutIsTheClientsOwnExceptionWithTheFigures(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start();
                TestServer other = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=1,waitTimeout=500ms")) {
            program.warmUp(HttpProgram.representatives(jdk), other.url("/say"));
            int holder = program.get("urlconnection", server.url("/hold"));
            server.awaitRequests(1);
            for (String client : HttpProgram.representatives(jdk)) {
                HttpProgram.Ended ended = program.await(program.get(client, server.url("/say")));
                assertThat(ended.what()).as("%s", ended).isEqualTo(EXCEPTION_OF_A_WAIT.get(client));
                assertThat(ended.more())
                        .matches("timed out after \\d+ ms waiting for http://127\\.0\\.0\\.1:" + server.port()
                                + " \\(limit=1, leased=1, idle=0, pending=1\\)");
                assertThat(ended.millis()).as("%s", ended).isBetween(500L, 15_000L);
            }
            server.letGo();
            assertThat(program.await(holder).what()).isEqualTo("200");
            program.warmUp(HttpProgram.representatives(jdk), server.url("/say"));
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void waitersOnDaemonThreadsKeepNoProgramFromEnding(Jdk jdk) throws Exception {
        try (TestServer server = Answers.server().start();
                HttpProgram program = HttpProgram.start(jdk, "maxConnectionsPerServer=1")) {
            program.daemonGet("urlconnection", server.url("/hold"));
            server.awaitRequests(1);
            for (String client : HttpProgram.representatives(jdk)) {
                program.daemonGet(client, server.url("/hold"));
            }
            program.awaitSettled();
            program.end();
            assertThat(server.requests()).hasSize(1);
        }
    }

    static List<Arguments> jdksAndThreads() {
        List<Arguments> all = new ArrayList<>();
        for (Jdk jdk : Jdk.all()) {
            // A hundred answers take some ten seconds, as each pair of them is finished for somebody who waited 200 ms.
            int answers = jdk == Jdk.main() ? 100 : 20;
            all.add(Arguments.of(jdk, 1, answers));
            all.add(Arguments.of(jdk, 10, answers));
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("jdksAndThreads")
    void programThatReadsNoBodyNeverWedges(Jdk jdk, int threads, int answers) throws IOException {
        try (TestServer server = TestServer.builder()
                .on("mixed", exchange -> {
                    int number = Integer.parseInt(exchange.request().path().substring("/mixed/".length()));
                    exchange.send(number % 2 == 0 ? 200 : 500, new byte[1000 + 37 * number % 2000]);
                })
                .start()) {
            ChildJvm.Result result = ChildJvm.program(StatusOnly.class)
                    .on(jdk)
                    .agent("")
                    .arguments(server.url("/mixed/"), threads, answers)
                    .timeoutSeconds(90)
                    .run();
            assertThat(result.stdout())
                    .as("%s", result)
                    .isEqualTo(String.format("in time: true%ngood: %d, bad: %d%n", answers / 2, answers / 2));
            assertThat(result.stderr()).isEmpty();
            assertThat(result.exitCode()).isZero();
        }
    }
}
