package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.instrumentation.testing.TestTls;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Call;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls of several clients that are cancelled at any moment, fail, and are sent on. */
class StormTest extends Fixture {
    private static final String[] PATHS = {
        "/bytes/100",
        "/bytes/100?ms=2",
        "/chunked/20000",
        "/close",
        "/reset",
        "/hangup?bytes=1000",
        "/redirect?to=/bytes/10"
    };

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void leavesNothingBehind(boolean tls) throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestAgent.limit(2);
        TestServer busy = closing(tls ? TestServer.builder().tls().start() : TestServer.start());
        ContractClient.Setup setup = ContractClient.Setup.plain();
        List<TestClient> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            clients.add(client(TestClient.builder(tls ? setup.trusting(TestTls.clientContext()) : setup)));
        }
        AtomicInteger answered = new AtomicInteger();
        try (KernelMeter meter = KernelMeter.start(busy.port())) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                TestClient client = clients.get(i % clients.size());
                Random random = new Random(i);
                all.add(threads.submit(() -> {
                    for (int j = 0; j < 25; j++) {
                        answered.addAndGet(one(client, busy.url(PATHS[random.nextInt(PATHS.length)]), random));
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(50, TimeUnit.SECONDS);
            }
            assertThat(meter.max()).isLessThanOrEqualTo(2);
        }
        assertThat(answered.get()).isPositive();
        awaitQuiet(busy);
        assertThat(clients.get(0).get(busy.url("/bytes/10"))).startsWith("200 ");
        awaitQuiet(busy);
    }

    /** One answered, or none. */
    private int one(TestClient client, String url, Random random) throws InterruptedException {
        Call call = client.http.newCall(TestClient.request(url));
        Future<?> cancelling = null;
        if (random.nextInt(3) == 0) {
            int micros = random.nextInt(5000);
            cancelling = threads.submit(() -> {
                TimeUnit.MICROSECONDS.sleep(micros);
                call.cancel();
                return null;
            });
        }
        try {
            return TestClient.read(call.execute()).startsWith("200 ") ? 1 : 0;
        } catch (IOException cancelledOrBroken) {
            return 0;
        } finally {
            if (cancelling != null) {
                cancelling.cancel(false);
            }
        }
    }
}
