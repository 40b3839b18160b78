package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Snapshot;
import io.undertow.Handlers;
import io.undertow.Undertow;
import io.undertow.websockets.core.AbstractReceiveListener;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.ws.WebSocket;
import org.asynchttpclient.ws.WebSocketListener;
import org.asynchttpclient.ws.WebSocketUpgradeHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A WebSocket holds its lease until its connection is closed. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WebSocketTest extends AhcTestBase {
    private final Undertow server = Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(Handlers.websocket((exchange, channel) -> {
                channel.getReceiveSetter().set(new AbstractReceiveListener() {});
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
    }

    private int port() {
        return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
    }

    private Snapshot figures() {
        return TestAgent.table().snapshot(Destination.server("http", "127.0.0.1", port()));
    }

    private static ListenableFuture<? extends WebSocket> open(AhcClient client, int port) {
        return client.http
                .prepareGet("ws://127.0.0.1:" + port + "/")
                .execute(new WebSocketUpgradeHandler.Builder()
                        .addWebSocketListener(new Silent())
                        .build());
    }

    /** Tells the server, which then closes; the method has another name in version 2.0. */
    private static void close(WebSocket socket) throws Exception {
        try {
            WebSocket.class.getMethod("sendCloseFrame").invoke(socket);
        } catch (NoSuchMethodException version20) {
            socket.getClass().getMethod("close").invoke(socket);
        }
    }

    @Test
    void holdsItsLeaseUntilItIsClosed() throws Exception {
        AhcClient client = client();
        WebSocket first = open(client, port()).get(20, TimeUnit.SECONDS);
        assertThat(figures().leased()).isEqualTo(1);
        assertThat(figures().open()).isEqualTo(1);
        ListenableFuture<? extends WebSocket> second = open(client, port());
        TestAgent.await("the second waits", () -> figures().pending() == 1);
        assertThat(second.isDone()).isFalse();
        close(first);
        close(second.get(20, TimeUnit.SECONDS));
        TestAgent.await(
                "every lease is back",
                () -> figures().leased() == 0 && figures().open() == 0);
    }

    @Test
    void aRefusedHandshakeGivesTheLeaseBack() throws Exception {
        TestServer plain = closing(TestServer.start());
        AhcClient client = client();
        for (int i = 0; i < 3; i++) {
            open(client, plain.port())
                    .toCompletableFuture()
                    .handle((socket, thrown) -> null)
                    .get(20, TimeUnit.SECONDS);
        }
        awaitQuiet(plain);
    }

    private static final class Silent implements WebSocketListener {
        @Override
        public void onOpen(WebSocket socket) {}

        @Override
        public void onClose(WebSocket socket, int code, String reason) {}

        /** In version 2.0. */
        @SuppressWarnings("unused")
        public void onClose(WebSocket socket) {}

        @Override
        public void onError(Throwable thrown) {}
    }
}
