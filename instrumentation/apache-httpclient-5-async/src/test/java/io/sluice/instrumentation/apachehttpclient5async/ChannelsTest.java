package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a channel of NIO gives its room back: not before its peer's kernel has seen the end of it. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChannelsTest {
    private TestServer server;
    private Selector selector;
    private SocketChannel channel;
    private Lease lease;

    @BeforeEach
    void open() throws Exception {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
        new PoolingAsyncClientConnectionManager().close(); // the sockets are woven once a client is
        TestAgent.limits(Limits.defaults());
        server = TestServer.start();
        selector = Selector.open();
        channel = SocketChannel.open();
        lease = ConnectionGate.acquire(Ask.direct("test", destination()), 0);
        assertThat(lease).isNotNull();
    }

    @AfterEach
    void close() throws Exception {
        channel.close();
        selector.close();
        server.close();
        ConnectionGate.release(lease);
    }

    private Destination destination() {
        return Destination.server("http", server.host(), server.port());
    }

    private int counted() {
        return TestAgent.figures(server).open();
    }

    private void connect() throws Exception {
        Connection connection = ConnectionGate.open(lease, false);
        assertThat(connection).isNotNull();
        Sockets.opened(channel, connection);
        channel.connect(new InetSocketAddress(server.host(), server.port()));
        channel.configureBlocking(false);
        assertThat(counted()).isEqualTo(1);
    }

    private void closesAt(int countedAfterClose) throws Exception {
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            TestAgent.await("the kernel has it", () -> meter.current() == 1);
            channel.close();
            // Whether the kernel still has it depends on the JDK; where it has, it must be counted.
            assertThat(counted()).isEqualTo(countedAfterClose).isGreaterThanOrEqualTo(meter.current());
            selector.selectNow();
            assertThat(counted()).isZero();
            TestAgent.await("the kernel has none", () -> meter.current() == 0);
        }
    }

    @Test
    void aChannelWithoutASelectorEndsWhenItIsClosed() throws Exception {
        connect();
        closesAt(0);
    }

    @Test
    void aRegisteredChannelHasSentItsFinWhenItIsClosed() throws Exception {
        connect();
        channel.register(selector, SelectionKey.OP_READ);
        closesAt(0);
    }

    @Test
    void aRegisteredChannelThatIsResetEndsWithTheSelectorsNextLook() throws Exception {
        connect();
        channel.register(selector, SelectionKey.OP_READ);
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        closesAt(1);
    }

    @Test
    void itMakesNoDifferenceHowTheResetWasAskedFor() throws Exception {
        channel.socket().setSoLinger(true, 0); // before anybody counts it
        connect();
        channel.register(selector, SelectionKey.OP_READ);
        closesAt(1);
    }

    @Test
    void aResetThatWasTakenBackIsNone() throws Exception {
        connect();
        channel.register(selector, SelectionKey.OP_READ);
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        channel.setOption(StandardSocketOptions.SO_LINGER, -1);
        closesAt(0);
    }

    @Test
    void aChannelThatIsStillConnectingEndsWithTheSelectorsNextLook() throws Exception {
        List<Socket> crowd = new ArrayList<>();
        try (ServerSocket deaf = new ServerSocket(0, 1)) {
            // Nobody accepts: the backlog is full after two, and the kernel answers no further SYN.
            for (int i = 0; i < 2; i++) {
                crowd.add(new Socket("127.0.0.1", deaf.getLocalPort()));
            }
            Connection connection = ConnectionGate.open(lease, false);
            assertThat(connection).isNotNull();
            Sockets.opened(channel, connection);
            channel.configureBlocking(false);
            assertThat(channel.connect(new InetSocketAddress("127.0.0.1", deaf.getLocalPort())))
                    .isFalse();
            channel.register(selector, SelectionKey.OP_CONNECT);
            channel.close();
            assertThat(counted()).isEqualTo(1);
            selector.selectNow();
            assertThat(counted()).isZero();
        } finally {
            for (Socket one : crowd) {
                one.close();
            }
        }
    }

    @Test
    void whoAbandonsAConnectionClosesItsChannel() throws Exception {
        connect();
        Connection connection = lease.connection();
        assertThat(connection).isNotNull();
        assertThat(Sockets.hasSocket(connection)).isTrue();
        Sockets.abandon(connection);
        assertThat(channel.isOpen()).isFalse();
        assertThat(counted()).isZero();
        assertThat(Sockets.hasSocket(connection)).isFalse();
    }
}
