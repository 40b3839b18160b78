package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import java.io.Closeable;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SocketsTest {
    private static final Destination SERVER = Destination.server("http", "sockets.example.com", 80);

    private final Recorder recorder = new Recorder();
    private Lease lease;

    @BeforeEach
    void install() {
        Ready.done();
        recorder.install(Limits.defaults());
        lease = ConnectionGate.acquire(Ask.direct("test", SERVER), 0);
    }

    private int open() {
        return recorder.table().snapshot(SERVER).open();
    }

    @Test
    void socketIsTheConnectionThatItsThreadOpens() {
        Connection connection = ConnectionGate.open(lease, false);
        Object before = new Object();
        Object socket = new Object();
        Object after = new Object();
        Sockets.connecting(before);
        Connection outer = Sockets.beginOpening(connection);
        assertThat(outer).isNull();
        Sockets.connecting(socket);
        Sockets.endOpening(outer);
        Sockets.connecting(after);
        assertThat(Sockets.of(socket)).isSameAs(connection);
        assertThat(Sockets.of(before)).isNull();
        assertThat(Sockets.of(after)).isNull();
        Sockets.closed(after);
        assertThat(open()).isEqualTo(1);
        Sockets.closed(socket);
        Sockets.closed(socket);
        assertThat(open()).isZero();
        assertThat(connection.isClosed()).isTrue();
        assertThat(Sockets.of(socket)).isNull();
    }

    @Test
    void anotherThreadsSocketsAreNotMeant() {
        Connection before = Sockets.beginOpening(ConnectionGate.open(lease, false));
        Object socket = new Object();
        Until.ended(Until.started(() -> Sockets.connecting(socket)));
        Sockets.endOpening(before);
        assertThat(Sockets.of(socket)).isNull();
    }

    @Test
    void nestedOpeningsComeBackInOrder() {
        Connection outer = ConnectionGate.open(lease, false);
        Connection inner = ConnectionGate.open(lease, false);
        assertThat(Sockets.beginOpening(outer)).isNull();
        assertThat(Sockets.beginOpening(inner)).isSameAs(outer);
        Sockets.endOpening(outer);
        Object socket = new Object();
        Sockets.connecting(socket);
        Sockets.endOpening(null);
        assertThat(Sockets.of(socket)).isSameAs(outer);
    }

    @Test
    void afterAFailedConnectTheNextAddressHasTheSameRoom() {
        Connection connection = ConnectionGate.open(lease, false);
        Connection before = Sockets.beginOpening(connection);
        Object first = new Object();
        Sockets.connecting(first);
        Sockets.connectFailed(first);
        Sockets.closed(first);
        assertThat(open()).isEqualTo(1);
        Object second = new Object();
        Sockets.connecting(second);
        Sockets.endOpening(before);
        assertThat(Sockets.of(second)).isSameAs(connection);
        Sockets.closed(second);
        assertThat(open()).isZero();
    }

    @Test
    void tellsWhatTheThreadOpens() {
        Connection connection = ConnectionGate.open(lease, false);
        assertThat(Sockets.opening()).isNull();
        Connection before = Sockets.beginOpening(connection);
        assertThat(Sockets.opening()).isSameAs(connection);
        Sockets.endOpening(before);
        assertThat(Sockets.opening()).isNull();
    }

    @Test
    void abandonedConnectionLosesItsSocketAndKeepsItsRoomUntilThatIsClosed() {
        Connection connection = ConnectionGate.open(lease, false);
        AtomicInteger closes = new AtomicInteger();
        Closeable socket = closes::incrementAndGet;
        Sockets.opened(socket, connection);
        assertThat(Sockets.hasSocket(connection)).isTrue();
        Sockets.abandon(connection);
        assertThat(closes).hasValue(1);
        assertThat(open()).as("its descriptor may still be open").isEqualTo(1);
        Sockets.closed(socket);
        assertThat(open()).isZero();
        assertThat(Sockets.hasSocket(connection)).isFalse();
    }

    @Test
    void abandonedConnectionWithoutASocketGivesItsRoomBackAtOnce() {
        Connection connection = ConnectionGate.open(lease, false);
        assertThat(Sockets.hasSocket(connection)).isFalse();
        Sockets.abandon(connection);
        assertThat(open()).isZero();
        assertThat(connection.isClosed()).isTrue();
    }

    @Test
    void forgottenSocketEndsNothing() {
        Connection connection = ConnectionGate.open(lease, false);
        Object first = new Object();
        Sockets.opened(first, connection);
        Sockets.forget(first);
        Sockets.closed(first);
        assertThat(open()).isEqualTo(1);
        Object second = new Object();
        Sockets.opened(second, connection);
        Sockets.closed(second);
        assertThat(open()).isZero();
    }

    @Test
    void remembersWhichChannelsAreReset() {
        Object channel = new Object();
        assertThat(Sockets.closesAbruptly(channel)).isFalse();
        Sockets.lingers(channel, true);
        assertThat(Sockets.closesAbruptly(channel)).isTrue();
        Sockets.lingers(channel, false);
        assertThat(Sockets.closesAbruptly(channel)).isFalse();
    }

    @Test
    void roomOfALostSocketIsFreeAlsoWhereTheNextSocketNoticesIt() {
        Sockets.opened(new Object(), ConnectionGate.open(lease, true));
        assertThat(open()).isEqualTo(1);
        Object another = new Object();
        Connection elsewhere = recorder.elsewhere();
        Until.collected(() -> {
            Sockets.opened(another, elsewhere);
            return open() == 0 && !lease.isHeld(); // the exchange ends with its connection, right after it
        });
    }

    @Test
    void roomOfALostSocketIsFreeWhenTheHousekeeperLooks() {
        Sockets.opened(new Object(), ConnectionGate.open(lease, false));
        Until.collected(() -> {
            WatchedMap.dropAll();
            return open() == 0;
        });
    }
}
