package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.DebianProxies;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** All clients of a program through one forward proxy: its limit holds, by the count of the proxy's kernel. */
@Timeout(120)
class ProxyIT {

    private static final int PROXY_LIMIT = 3;

    @TempDir
    File folder;

    @BeforeAll
    static void needsTheKernelsTable() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    static List<Jdk> jdks() {
        return Jdk.all();
    }

    private static List<String> through(int proxyPort, List<String> clients) {
        return clients.stream()
                .map(client -> client + ":proxy=127.0.0.1/" + proxyPort)
                .collect(Collectors.toList());
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void plainRequestsKeepTheProxysLimit(Jdk jdk) throws Exception {
        try (TestProxy proxy = TestProxy.start()) {
            plainRequestsKeepTheProxysLimit(jdk, HttpProgram.clients(jdk), proxy.port());
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void tunnelsKeepTheProxysLimit(Jdk jdk) throws Exception {
        try (TestProxy proxy = TestProxy.start()) {
            tunnelsKeepTheProxysLimit(jdk, HttpProgram.clients(jdk), proxy.port());
        }
    }

    @Test
    void plainRequestsKeepTheLimitOfSquid() throws Exception {
        try (DebianProxies.Running squid = installed("squid", DebianProxies.squid())) {
            plainRequestsKeepTheProxysLimit(Jdk.main(), HttpProgram.clients(Jdk.main()), squid.port());
        }
    }

    @Test
    void tunnelsKeepTheLimitOfSquid() throws Exception {
        try (DebianProxies.Running squid = installed("squid", DebianProxies.squid())) {
            tunnelsKeepTheProxysLimit(Jdk.main(), HttpProgram.clients(Jdk.main()), squid.port());
        }
    }

    @Test
    void plainRequestsKeepTheLimitOfTinyproxy() throws Exception {
        try (DebianProxies.Running tinyproxy = installed("tinyproxy", DebianProxies.tinyproxy())) {
            // It closes every connection after an answer that does not say so.
            plainRequestsKeepTheProxysLimit(Jdk.main(), HttpProgram.persistentClients(Jdk.main()), tinyproxy.port());
        }
    }

    @Test
    void tunnelsKeepTheLimitOfTinyproxy() throws Exception {
        try (DebianProxies.Running tinyproxy = installed("tinyproxy", DebianProxies.tinyproxy())) {
            tunnelsKeepTheProxysLimit(Jdk.main(), HttpProgram.clients(Jdk.main()), tinyproxy.port());
        }
    }

    private static DebianProxies.Running installed(String name, Optional<DebianProxies.Running> running) {
        assumeTrue(running.isPresent(), "skipped: " + name + " is not installed");
        return running.get();
    }

    private void plainRequestsKeepTheProxysLimit(Jdk jdk, List<String> clients, int proxyPort) throws Exception {
        try (TestServer first = Answers.server().start();
                TestServer second = Answers.server().start()) {
            proxysLimitHolds(jdk, clients, proxyPort, first, second);
        }
    }

    private void tunnelsKeepTheProxysLimit(Jdk jdk, List<String> clients, int proxyPort) throws Exception {
        try (TestServer first = Answers.server().tls().start();
                TestServer second = Answers.server().tls().start()) {
            proxysLimitHolds(jdk, clients, proxyPort, first, second);
        }
    }

    /** Two servers that may have two connections each, and a proxy that may have three: one of the four must wait. */
    private void proxysLimitHolds(Jdk jdk, List<String> someClients, int proxyPort, TestServer first, TestServer second)
            throws Exception {
        File trusted = new File(folder, "trusted.jks");
        TestTls.writeTrustStore(trusted);
        List<String> clients = through(proxyPort, someClients);
        ChildJvm jvm = HttpProgram.jvm(jdk)
                .agent("maxConnectionsPerServer=2,maxConnectionsPerProxy=" + PROXY_LIMIT)
                .systemProperty("javax.net.ssl.trustStore", trusted)
                .systemProperty("javax.net.ssl.trustStoreType", "JKS");
        try (HttpProgram program = HttpProgram.start(jvm);
                KernelMeter atProxy = KernelMeter.start(proxyPort)) {
            List<Integer> exchanges = new ArrayList<>();
            for (String client : clients) {
                exchanges.add(program.get(client, first.url("/hold")));
                exchanges.add(program.get(client, second.url("/hold")));
            }
            Answers.awaitHeld(PROXY_LIMIT, first, second);
            program.awaitSettled();
            assertThat(first.held() + second.held()).isEqualTo(PROXY_LIMIT);
            assertThat(first.held()).isBetween(1, 2);
            assertThat(atProxy.current()).isEqualTo(PROXY_LIMIT);
            first.letGo();
            second.letGo();
            for (int exchange : exchanges) {
                HttpProgram.Ended ended = program.await(exchange);
                assertThat(ended.what()).as("%s", ended).isEqualTo("200");
            }
            for (TestServer server : new TestServer[] {first, second}) {
                program.load(clients, 3, 1, server.url("/say?ms=3"));
            }
            program.awaitLoads(2).assertNobodyStarved(clients.size());
            assertThat(atProxy.stop()).isEqualTo(PROXY_LIMIT);
            program.end();
        }
    }
}
