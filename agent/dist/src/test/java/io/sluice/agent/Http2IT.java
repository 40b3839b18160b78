package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.Http2TestServer;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestTls;
import io.undertow.server.HttpServerExchange;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A connection with HTTP/2 counts once, however many exchanges it carries; all clients that speak it, in one program. */
@Timeout(120)
class Http2IT {
    private static final List<String> CLIENTS = Arrays.asList(
            "java", "okhttp", "okhttpAsync", "apache5Async", "vertx:http2=true", "reactorNetty:http2=true");

    private static final int STREAMS = 100;

    @TempDir
    File folder;

    @BeforeAll
    static void needsTheKernelsTable() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    static List<Arguments> jdksAndLimits() {
        List<Arguments> all = new ArrayList<>();
        // Java 8 got ALPN late, and not in every distribution.
        for (Jdk jdk : Jdk.all().stream().filter(one -> one.feature() >= 11).collect(Collectors.toList())) {
            for (int limit : jdk == Jdk.main() ? new int[] {1, 2, 5} : new int[] {2}) {
                all.add(Arguments.of(jdk, limit));
            }
        }
        return all;
    }

    private HttpProgram program(Jdk jdk, int limit) {
        File trusted = new File(folder, "trusted.jks");
        TestTls.writeTrustStore(trusted);
        return HttpProgram.start(HttpProgram.jvm(jdk)
                .agent("maxConnectionsPerServer=" + limit)
                .systemProperty("javax.net.ssl.trustStore", trusted)
                .systemProperty("javax.net.ssl.trustStoreType", "JKS"));
    }

    private static void say(HttpServerExchange exchange) {
        Deque<String> text = exchange.getQueryParameters().get("text");
        String more = String.join("", Collections.nCopies(100, "x"));
        exchange.getResponseSender().send((text == null ? "nothing" : text.getFirst()) + "." + more + ".end");
    }

    @ParameterizedTest
    @MethodSource("jdksAndLimits")
    void allClientsThatSpeakHttp2StayWithinTheLimit(Jdk jdk, int limit) throws Exception {
        Set<String> protocols = ConcurrentHashMap.newKeySet();
        try (Http2TestServer server = Http2TestServer.overTls(STREAMS, exchange -> {
                    protocols.add(exchange.getProtocol().toString());
                    say(exchange);
                });
                KernelMeter meter = KernelMeter.start(server.port());
                HttpProgram program = program(jdk, limit)) {
            program.load(CLIENTS, 5, 4, server.url("/say"));
            program.awaitLoad();
            assertThat(meter.stop()).isLessThanOrEqualTo(limit).isPositive();
            assertThat(protocols).containsExactly("HTTP/2.0");
            program.end();
        }
    }

    @ParameterizedTest
    @MethodSource("jdksAndLimits")
    void furtherExchangesOnAConnectionWaitForNobody(Jdk jdk, int limit) throws Exception {
        List<String> clients = new ArrayList<>(jdk == Jdk.main() ? CLIENTS : CLIENTS.subList(0, 1));
        clients.remove(
                "apache5Async"); // has one exchange at a time on each connection, unless it is told to share them
        for (String client : clients) {
            CountDownLatch arrived = new CountDownLatch(20);
            CountDownLatch go = new CountDownLatch(1);
            try (Http2TestServer server = Http2TestServer.overTls(STREAMS, exchange -> {
                        if (exchange.getRequestPath().equals("/hold")) {
                            arrived.countDown();
                            go.await();
                        }
                        say(exchange);
                    });
                    AutoCloseable letGo = go::countDown; // before the server is closed, which waits for its handlers
                    KernelMeter meter = KernelMeter.start(server.port());
                    HttpProgram program = program(jdk, limit)) {
                program.warmUp(Collections.singletonList(client), server.url("/say"));
                List<Integer> exchanges = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    exchanges.add(program.get(client, server.url("/hold")));
                }
                assertThat(arrived.await(20, TimeUnit.SECONDS))
                        .as(() -> client + ": " + arrived.getCount() + " did not arrive; " + program.stdout())
                        .isTrue();
                assertThat(meter.current()).as(client).isLessThanOrEqualTo(limit);
                go.countDown();
                for (int exchange : exchanges) {
                    assertThat(program.await(exchange).what()).as(client).isEqualTo("200");
                }
                program.end();
            }
        }
    }
}
