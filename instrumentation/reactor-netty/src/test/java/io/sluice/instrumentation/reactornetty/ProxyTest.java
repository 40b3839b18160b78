package io.sluice.instrumentation.reactornetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestProxy;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.netty.resources.ConnectionProvider;

/** Plain requests through a proxy: they go through tunnels like all others. */
@Timeout(60)
class ProxyTest {
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void reset() {
        threads.shutdownNow();
        TestAgent.limits(Limits.defaults());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void throughAProxyItsLimitHolds(int limit) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limits(Limits.builder()
                .maxConnectionsPerServer(20)
                .maxConnectionsPerProxy(limit)
                .build());
        try (TestServer first = TestServer.builder().delayMillis(15).start();
                TestServer second = TestServer.builder().delayMillis(15).start();
                TestProxy proxy = TestProxy.start();
                ReactorClient client = new ReactorClient(
                        ContractClient.Setup.plain().through(new InetSocketAddress(proxy.host(), proxy.port())),
                        ConnectionProvider.create("proxied", 50));
                KernelMeter meter = KernelMeter.start(proxy.port())) {
            List<Future<String>> all = new ArrayList<>();
            for (int i = 0; i < limit + 2; i++) {
                all.add(threads.submit(() -> client.get(first.url("/hold"))));
            }
            TestAgent.await("as many requests as may are held", () -> first.held() == limit);
            TestAgent.await("the kernel counts them", () -> meter.current() == limit);
            first.letGo();
            for (int i = 0; i < 20; i++) {
                TestServer server = i % 2 == 0 ? first : second;
                all.add(threads.submit(() -> client.get(server.url("/bytes/500"))));
            }
            for (Future<String> one : all) {
                assertThat(one.get(30, TimeUnit.SECONDS)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(limit);
            assertThat(proxy.plainRequests()).isZero();
        }
    }
}
