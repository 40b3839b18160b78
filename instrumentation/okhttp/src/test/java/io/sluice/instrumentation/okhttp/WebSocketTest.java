package io.sluice.instrumentation.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import io.undertow.Handlers;
import io.undertow.Undertow;
import io.undertow.websockets.core.AbstractReceiveListener;
import io.undertow.websockets.core.BufferedTextMessage;
import io.undertow.websockets.core.WebSocketChannel;
import io.undertow.websockets.core.WebSockets;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A WebSocket holds its lease until its connection is closed. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WebSocketTest {
    private final Undertow server = Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(Handlers.websocket((exchange, channel) -> {
                channel.getReceiveSetter().set(new AbstractReceiveListener() {
                    @Override
                    protected void onFullTextMessage(WebSocketChannel to, BufferedTextMessage message) {
                        WebSockets.sendText(message.getData(), to, null);
                    }
                });
                channel.resumeReceives();
            }))
            .build();
    private final OkHttpClient client =
            TestClient.builder(ContractClient.Setup.plain()).build();

    @BeforeEach
    void start() {
        try {
            Class.forName("okhttp3.WebSocketListener");
        } catch (ClassNotFoundException old) {
            assumeTrue(false, "since 3.5; before, in a library of its own");
        }
        TestAgent.limit(1);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop();
        client.dispatcher().executorService().shutdown();
        TestAgent.limits(Limits.defaults());
    }

    private int port() {
        return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
    }

    private Snapshot figures() {
        return TestAgent.table().snapshot(Destination.server("http", "127.0.0.1", port()));
    }

    @Test
    void holdsItsLeaseUntilItIsClosed() throws Exception {
        Opened.holdsItsLeaseUntilItIsClosed(this);
    }

    @Test
    void aSocketThatIsCancelledGivesItsLeaseBack() throws Exception {
        Opened.aSocketThatIsCancelledGivesItsLeaseBack(this);
    }

    @Test
    void aRefusedHandshakeGivesTheLeaseBack() throws Exception {
        Opened.aRefusedHandshakeGivesTheLeaseBack(this);
    }

    /** Apart, as old versions do not have the types. */
    private static final class Opened extends WebSocketListener {
        private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        static void holdsItsLeaseUntilItIsClosed(WebSocketTest test) throws Exception {
            Opened first = new Opened();
            WebSocket socket = first.open(test, test.port());
            assertThat(first.next()).isEqualTo("open");
            socket.send("hello");
            assertThat(first.next()).isEqualTo("hello");
            assertThat(test.figures().leased()).isEqualTo(1);
            assertThat(test.figures().open()).isEqualTo(1);
            Opened second = new Opened();
            second.open(test, test.port());
            TestAgent.await("the second waits", () -> test.figures().pending() == 1);
            assertThat(second.events).isEmpty();
            socket.close(1000, null);
            assertThat(second.next()).isEqualTo("open");
        }

        static void aSocketThatIsCancelledGivesItsLeaseBack(WebSocketTest test) throws Exception {
            for (int i = 0; i < 3; i++) {
                Opened opened = new Opened();
                WebSocket socket = opened.open(test, test.port());
                assertThat(opened.next()).isEqualTo("open");
                socket.cancel();
            }
            TestAgent.await(
                    "every lease is back",
                    () -> test.figures().leased() == 0 && test.figures().open() == 0);
        }

        static void aRefusedHandshakeGivesTheLeaseBack(WebSocketTest test) throws Exception {
            try (TestServer plain = TestServer.start()) {
                for (int i = 0; i < 3; i++) {
                    Opened refused = new Opened();
                    refused.open(test, plain.port());
                    // Up to 3.8 the connection is lost until somebody collects it, as without the agent.
                    TestAgent.await("it is refused", () -> {
                        System.gc();
                        return "failure".equals(refused.events.peek());
                    });
                }
                CompletableFuture<Response> next =
                        TestClient.enqueue(test.client.newCall(TestClient.request(plain.url("/bytes/10"))));
                TestAgent.await("every lease is back", () -> {
                    System.gc();
                    return next.isDone();
                });
                assertThat(TestClient.read(next.get())).startsWith("200 ");
            }
        }

        WebSocket open(WebSocketTest test, int port) {
            return test.client.newWebSocket(TestClient.request("http://127.0.0.1:" + port + "/"), this);
        }

        String next() throws InterruptedException {
            return events.poll(20, TimeUnit.SECONDS);
        }

        @Override
        public void onOpen(WebSocket socket, Response response) {
            events.add("open");
        }

        @Override
        public void onMessage(WebSocket socket, String text) {
            events.add(text);
        }

        @Override
        public void onClosing(WebSocket socket, int code, String reason) {
            socket.close(code, null);
        }

        @Override
        public void onFailure(WebSocket socket, Throwable failure, Response response) {
            events.add("failure");
        }
    }
}
