package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import okhttp3.Dns;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;

/** Servers with several addresses: since 5.0 a client connects to several of them at once. */
class RoutesTest extends Fixture {
    private static InetAddress address(String literal) throws UnknownHostException {
        return InetAddress.getByName(literal);
    }

    private static Dns dns(InetAddress... addresses) {
        return host -> Arrays.asList(addresses);
    }

    private String url(String path) {
        return "http://server.test:" + server.port() + path;
    }

    private int open() {
        return TestAgent.table()
                .snapshot(io.sluice.limiter.Destination.server("http", "server.test", server.port()))
                .open();
    }

    @Test
    void anAddressThatRefusesCostsNoRoom() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            List<Future<String>> all = new ArrayList<>();
            for (int c = 0; c < 2; c++) {
                TestClient client = client(builder().dns(dns(address("::1"), address("127.0.0.1"))));
                for (int i = 0; i < 10; i++) {
                    all.add(threads.submit(() -> client.get(url("/bytes/10?ms=3"))));
                }
            }
            for (Future<String> one : all) {
                assertThat(one.get(20, TimeUnit.SECONDS)).startsWith("200 ");
            }
            assertThat(meter.max()).isLessThanOrEqualTo(1);
        }
        TestAgent.await("one is open", () -> open() == 1);
    }

    /** An address that answers nothing: its queue of connections is full. */
    @Test
    void anAddressThatDoesNotAnswerHoldsUpTheOthersForAMoment() throws Exception {
        boolean races = hasFastFallback();
        try (ServerSocket mute = new ServerSocket()) {
            mute.bind(new InetSocketAddress("127.0.0.2", server.port()), 1);
            fill(mute);
            OkHttpClient.Builder builder = builder()
                    .dns(dns(address("127.0.0.2"), address("127.0.0.1")))
                    .connectTimeout(races ? 10 : 2, TimeUnit.SECONDS);
            TestClient client = client(builder);
            long startNanos = System.nanoTime();
            assertThat(client.get(url("/bytes/10"))).startsWith("200 ");
            long tookNanos = System.nanoTime() - startNanos;
            assertThat(tookNanos).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(200));
            if (races) {
                assertThat(tookNanos).isLessThan(TimeUnit.SECONDS.toNanos(9));
            }
            TestAgent.await("one is open", () -> open() == 1);
        }
    }

    /** The second address is the dead one: the first, which was stopped for it, has its turn again. */
    @Test
    void anAddressThatWasStoppedHasItsTurnAgain() throws Exception {
        assumeTrue(hasFastFallback(), "since 5.0");
        try (ServerSocket slow = new ServerSocket();
                ServerSocket mute = new ServerSocket()) {
            slow.bind(new InetSocketAddress("127.0.0.2", server.port()), 1);
            mute.bind(new InetSocketAddress("127.0.0.3", server.port()), 1);
            fill(slow);
            fill(mute);
            TestClient client = client(builder()
                    .dns(dns(address("127.0.0.2"), address("127.0.0.3")))
                    .connectTimeout(10, TimeUnit.SECONDS));
            Future<String> call = threads.submit(() -> client.get(url("/bytes/10")));
            Thread.sleep(1000); // the second has stopped the first, and is dead
            Future<?> answering = threads.submit(() -> answer(slow));
            assertThat(call.get(20, TimeUnit.SECONDS)).isEqualTo("200 late");
            answering.cancel(true);
        }
    }

    private Object answer(ServerSocket slow) throws Exception {
        while (true) {
            Socket accepted = slow.accept();
            threads.submit(() -> answerTo(accepted));
        }
    }

    /** Those that fill the queue say nothing, until they are closed. */
    private static Object answerTo(Socket accepted) throws IOException {
        if (accepted.getInputStream().read() < 0) {
            accepted.close();
            return false;
        }
        accepted.getOutputStream()
                .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate".getBytes(StandardCharsets.US_ASCII));
        return true;
    }

    static boolean hasFastFallback() {
        try {
            OkHttpClient.class.getMethod("fastFallback");
            return true;
        } catch (NoSuchMethodException old) {
            return false;
        }
    }

    private List<Socket> fill(ServerSocket mute) throws Exception {
        List<Socket> filling = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Socket socket = closing(new Socket());
            try {
                socket.connect(mute.getLocalSocketAddress(), 200);
                filling.add(socket);
            } catch (SocketTimeoutException full) {
                return filling;
            }
        }
        assumeTrue(false, "this kernel accepts more than it was told to");
        return filling;
    }
}
