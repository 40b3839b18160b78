package io.sluice.instrumentation.javahttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
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

    @BeforeEach
    void start() {
        TestAgent.limit(1);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop();
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
        HttpClient client = HttpClient.newHttpClient();
        URI uri = URI.create("ws://127.0.0.1:" + port() + "/");
        BlockingQueue<String> echoes = new LinkedBlockingQueue<>();
        WebSocket first =
                client.newWebSocketBuilder().buildAsync(uri, new Echoes(echoes)).get(20, TimeUnit.SECONDS);
        first.sendText("hello", true).get(20, TimeUnit.SECONDS);
        assertThat(echoes.poll(20, TimeUnit.SECONDS)).isEqualTo("hello");
        assertThat(figures().leased()).isEqualTo(1);
        CompletableFuture<WebSocket> second = client.newWebSocketBuilder().buildAsync(uri, new Echoes(echoes));
        TestAgent.await("the second waits", () -> figures().pending() == 1);
        first.abort();
        second.get(20, TimeUnit.SECONDS).abort();
        TestAgent.await(
                "every lease is back",
                () -> figures().leased() == 0 && figures().open() == 0);
    }

    @Test
    void aRefusedHandshakeGivesTheLeaseBack() throws Exception {
        try (TestServer plain = TestServer.start()) {
            HttpClient client = HttpClient.newHttpClient();
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> client.newWebSocketBuilder()
                        .buildAsync(
                                URI.create("ws://127.0.0.1:" + plain.port() + "/"),
                                new Echoes(new LinkedBlockingQueue<>()))
                        .get(20, TimeUnit.SECONDS));
            }
            TestAgent.await(
                    "every lease is back", () -> TestAgent.figures(plain).leased() == 0);
        }
    }

    private static final class Echoes implements WebSocket.Listener {
        private final BlockingQueue<String> echoes;

        Echoes(BlockingQueue<String> echoes) {
            this.echoes = echoes;
        }

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            echoes.add(data.toString());
            webSocket.request(1);
            return null;
        }
    }
}
