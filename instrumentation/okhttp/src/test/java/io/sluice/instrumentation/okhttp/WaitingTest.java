package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.ParkedThreads;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Response;
import org.junit.jupiter.api.Test;

/** How calls wait, and what ends it. */
class WaitingTest extends Fixture {
    @Test
    void aCancelledCallLeavesTheQueue() throws Exception {
        TestClient client = client(builder());
        Future<String> holder = hold(client);
        Call call = client.http.newCall(TestClient.request(server.url("/bytes/10")));
        Future<Response> waiter = threads.submit(call::execute);
        awaitPending(1);
        call.cancel();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(IOException.class)
                .hasMessage("Canceled");
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
        assertThat(server.targets()).containsExactly("/hold");
    }

    @Test
    void theTimeoutOfTheWholeCallEndsTheWait() throws Exception {
        OkHttpClient.Builder builder = builder();
        Method callTimeout;
        try {
            callTimeout = OkHttpClient.Builder.class.getMethod("callTimeout", long.class, TimeUnit.class);
        } catch (NoSuchMethodException old) {
            assumeTrue(false, "since 3.12");
            return;
        }
        callTimeout.invoke(builder, 300L, TimeUnit.MILLISECONDS);
        TestClient client = client(builder);
        TestClient other = client(builder());
        Future<String> holder = hold(other);
        long startNanos = System.nanoTime();
        assertThatThrownBy(() -> client.get(server.url("/bytes/10")))
                .isInstanceOf(InterruptedIOException.class)
                .hasMessage("timeout");
        assertThat(System.nanoTime() - startNanos).isBetween(250_000_000L, 10_000_000_000L);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        OkHttpClient.Builder patient = client.http.newBuilder(); // an exchange may take longer than 300 ms
        callTimeout.invoke(patient, 0L, TimeUnit.MILLISECONDS);
        assertThat(new TestClient(patient.build(), false).get(server.url("/bytes/10")))
                .startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void aFullQueueIsAnException() throws Exception {
        TestAgent.limits(
                Limits.builder().maxConnectionsPerServer(1).maxPending(1).build());
        TestClient client = client(builder());
        Future<String> holder = hold(client);
        Future<String> waiter = threads.submit(() -> client.get(server.url("/bytes/10")));
        awaitPending(1);
        assertThatThrownBy(() -> client.get(server.url("/bytes/10")))
                .isInstanceOf(InterruptedIOException.class)
                .hasMessageStartingWith("refused at once");
        server.letGo();
        assertThat(waiter.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    @Test
    void enqueuedCallsWaitOnThreadsOfTheDispatcher() throws Exception {
        TestAgent.limit(2);
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        TestClient client = client(builder());
        client.http.dispatcher().setMaxRequestsPerHost(20);
        List<CompletableFuture<String>> all = new ArrayList<>();
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 100; i++) {
                Call call = client.http.newCall(TestClient.request(server.url("/hold")));
                // On the dispatcher's thread: who reads in another order leaves leases to bodies that nobody reads.
                all.add(TestClient.enqueue(call).thenApply(TestClient::readUnchecked));
            }
            TestAgent.await("two are held", () -> server.held() == 2);
            awaitPending(18);
            // Who has joined the queue parks a moment later.
            TestAgent.await("18 are parked", () -> ParkedThreads.inTheAgent().size() == 18);
            assertThat(ParkedThreads.inTheAgent()).allMatch(thread -> thread.startsWith("OkHttp "));
            assertThat(meter.current()).isEqualTo(2);
            server.letGo();
            for (CompletableFuture<String> one : all) {
                assertThat(one.get(20, TimeUnit.SECONDS)).startsWith("200 ");
            }
            assertThat(meter.max()).isEqualTo(2);
        }
        awaitQuiet();
    }

    @Test
    void aDispatcherThatIsShutDownInterruptsTheWait() throws Exception {
        TestClient client = client(builder());
        Future<String> holder = hold(client(builder()));
        CompletableFuture<Response> waiter =
                TestClient.enqueue(client.http.newCall(TestClient.request(server.url("/bytes/10"))));
        awaitPending(1);
        client.http.dispatcher().executorService().shutdownNow();
        assertThatThrownBy(() -> waiter.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(InterruptedIOException.class);
        assertThat(TestAgent.figures(server).pending()).isZero();
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet();
    }

    /** Each call holds a connection to one server and is sent on to the other: none may hold while it waits. */
    @Test
    void redirectsBetweenServersDoNotBlockEachOther() throws Exception {
        TestServer other = closing(TestServer.start());
        TestClient client = client(builder());
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            TestServer from = i % 2 == 0 ? server : other;
            TestServer to = i % 2 == 0 ? other : server;
            all.add(threads.submit(() -> client.get(from.url("/redirect?ms=5&to=" + to.url("/bytes/10")))));
        }
        for (Future<String> one : all) {
            assertThat(one.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        }
        awaitQuiet(server);
        awaitQuiet(other);
    }

    @Test
    void aRedirectToABusyServerHoldsNoConnectionMeanwhile() throws Exception {
        TestServer busy = server;
        TestServer first = closing(TestServer.start());
        TestClient client = client(builder());
        Future<String> holder = hold(client(builder()));
        Future<String> redirected =
                threads.submit(() -> client.get(first.url("/redirect?to=" + busy.url("/bytes/10"))));
        awaitPending(1);
        assertThat(TestAgent.figures(first).leased()).isZero();
        assertThat(client(builder()).get(first.url("/bytes/10"))).startsWith("200 ");
        server.letGo();
        assertThat(holder.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        assertThat(redirected.get(20, TimeUnit.SECONDS)).startsWith("200 ");
        awaitQuiet(first);
        awaitQuiet(busy);
    }
}
