package io.sluice.instrumentation.vertx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Snapshot;
import io.undertow.Handlers;
import io.undertow.Undertow;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.WebSocket;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A WebSocket holds its lease until its connection is closed. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VertxWebSocketTest {
    private final Vertx vertx = Vertx.vertx();
    private final Undertow server = Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(Handlers.websocket((exchange, channel) -> channel.resumeReceives()))
            .build();

    @BeforeEach
    void start() {
        TestAgent.limit(1);
        server.start();
    }

    @AfterEach
    void stop() throws Exception {
        VertxClient.await(vertx.close());
        server.stop();
        TestAgent.limits(Limits.defaults());
    }

    private int port() {
        return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
    }

    private Snapshot figures() {
        return TestAgent.table().snapshot(Destination.server("http", "127.0.0.1", port()));
    }

    private interface Connector {
        Future<WebSocket> connect(int port, String host, String uri);
    }

    /** Since 4.5 WebSockets have a client of their own, and since 5 no other. */
    private Connector client() {
        try {
            Class.forName("io.vertx.core.http.WebSocketClient");
        } catch (ClassNotFoundException before45) {
            return Before45.client(vertx);
        }
        return Since45.client(vertx);
    }

    private static final class Since45 {
        static Connector client(Vertx vertx) {
            return vertx.createWebSocketClient()::connect;
        }
    }

    private static final class Before45 {
        @SuppressWarnings("unchecked")
        static Connector client(Vertx vertx) {
            HttpClient client = vertx.createHttpClient();
            return (port, host, uri) -> {
                try {
                    return (Future<WebSocket>) HttpClient.class
                            .getMethod("webSocket", int.class, String.class, String.class)
                            .invoke(client, port, host, uri);
                } catch (ReflectiveOperationException e) {
                    throw new IllegalStateException(e);
                }
            };
        }
    }

    @Test
    void holdsItsLeaseUntilItIsClosed() throws Exception {
        Connector client = client();
        WebSocket first = VertxClient.await(client.connect(port(), "127.0.0.1", "/"));
        assertThat(figures().leased()).isEqualTo(1);
        Future<WebSocket> second = client.connect(port(), "127.0.0.1", "/");
        TestAgent.await("the second waits", () -> figures().pending() == 1);
        assertThat(second.isComplete()).isFalse();
        VertxClient.await(first.close());
        VertxClient.await(VertxClient.await(second).close());
        TestAgent.await(
                "every lease is back",
                () -> figures().leased() == 0 && figures().open() == 0);
    }

    @Test
    void aRefusedHandshakeGivesTheLeaseBack() throws Exception {
        try (TestServer plain = TestServer.start()) {
            Connector client = client();
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> VertxClient.await(client.connect(plain.port(), plain.host(), "/")))
                        .isInstanceOf(Exception.class);
            }
            TestAgent.await(
                    "every lease is back", () -> TestAgent.figures(plain).leased() == 0);
        }
    }
}
