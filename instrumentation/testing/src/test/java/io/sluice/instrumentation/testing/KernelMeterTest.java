package io.sluice.instrumentation.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class KernelMeterTest {
    @BeforeAll
    static void needsLinux() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    @Test
    void countsExactlyTheOpenConnections() throws Exception {
        try (TestServer server = TestServer.start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            List<Socket> sockets = new ArrayList<>();
            for (int i = 1; i <= 7; i++) {
                sockets.add(connect(server.port()));
                assertThat(meter.current()).isEqualTo(i);
            }
            for (int i = 6; i >= 0; i--) {
                sockets.get(i).close();
                assertThat(meter.current()).isEqualTo(i);
            }
            assertThat(meter.max()).isEqualTo(7);
        }
    }

    @Test
    void countsTwoHundredConnections() throws Exception {
        try (TestServer server = TestServer.start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            List<Socket> sockets = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                sockets.add(connect(server.port()));
            }
            assertThat(meter.current()).isEqualTo(200);
            for (Socket socket : sockets) {
                socket.close();
            }
            assertThat(meter.current()).isZero();
            assertThat(meter.stop()).isEqualTo(200);
        }
    }

    @Test
    void neverAddsConnectionsThatFollowEachOther() throws Exception {
        try (TestServer server = TestServer.start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            for (int i = 0; i < 1500; i++) {
                closeAndConfirm(connect(server.port()));
            }
            for (int i = 0; i < 20; i++) {
                Socket socket = connect(server.port());
                assertThat(meter.current()).isEqualTo(1);
                closeAndConfirm(socket);
            }
            assertThat(server.acceptedConnections()).isEqualTo(1520);
            assertThat(meter.stop()).isEqualTo(1);
        }
    }

    @Test
    void neverAddsConnectionsThatFollowEachOtherWhileOthersStay() throws Exception {
        try (TestServer server = TestServer.start();
                KernelMeter meter = KernelMeter.start(server.port());
                Socket first = connect(server.port());
                Socket second = connect(server.port())) {
            for (int i = 0; i < 1500; i++) {
                closeAndConfirm(connect(server.port()));
            }
            assertThat(first.isConnected() && second.isConnected()).isTrue();
            assertThat(meter.current()).isEqualTo(2);
            assertThat(meter.stop()).isBetween(2, 3);
        }
    }

    @Test
    void countsConnectionsThatTheServerHasNotAccepted() throws Exception {
        try (ServerSocket listening = new ServerSocket(0, 10, Listener.loopback(false));
                KernelMeter meter = KernelMeter.start(listening.getLocalPort());
                Socket first = connect(listening.getLocalPort());
                Socket second = connect(listening.getLocalPort())) {
            assertThat(first.isConnected() && second.isConnected()).isTrue();
            assertThat(meter.current()).isEqualTo(2);
            listening.accept().close();
            assertThat(meter.current()).isEqualTo(1);
        }
    }

    @Test
    void ignoresOtherPorts() throws Exception {
        try (TestServer measured = TestServer.start();
                TestServer other = TestServer.start();
                KernelMeter meter = KernelMeter.start(measured.port());
                Socket socket = connect(other.port())) {
            assertThat(socket.isConnected()).isTrue();
            assertThat(meter.current()).isZero();
        }
    }

    @Test
    void keepsItsResultAfterTheStop() throws Exception {
        try (TestServer server = TestServer.start();
                KernelMeter meter = KernelMeter.start(server.port())) {
            Socket socket = connect(server.port());
            assertThat(meter.stop()).isEqualTo(1);
            socket.close();
            assertThat(meter.current()).isEqualTo(1);
            assertThat(meter.stop()).isEqualTo(1);
            assertThat(meter.samples()).isPositive();
        }
    }

    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(Listener.loopback(false), port));
        return socket;
    }

    /** Ends the sending side, and waits until the server has closed its own: then the connection is gone. */
    private static void closeAndConfirm(Socket socket) throws IOException {
        socket.shutdownOutput();
        assertThat(socket.getInputStream().read()).isEqualTo(-1);
        socket.close();
    }
}
