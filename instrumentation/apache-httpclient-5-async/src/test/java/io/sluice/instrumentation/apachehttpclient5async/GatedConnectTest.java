package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.io.Closeable;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.core5.concurrent.BasicFuture;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.junit.jupiter.api.Test;

/** The moments of a connect that waits for room which no client can be made to meet. */
class GatedConnectTest extends ClientFixture {
    /** Gives the room of a cancelled connect up, and has the limiter tell so before the cancel is done. */
    private static final class Meanwhile implements Closeable {
        private final Connection connection;
        private final Runnable told;
        boolean happened;

        Meanwhile(Connection connection, Runnable told) {
            this.connection = connection;
            this.told = told;
        }

        @Override
        public void close() {
            happened = true;
            connection.closed();
            told.run();
        }
    }

    private static final class CountedOpener implements Opener<String> {
        final AtomicInteger opened = new AtomicInteger();

        @Override
        public Future<String> open(FutureCallback<String> callback) {
            opened.incrementAndGet();
            return new BasicFuture<>(null);
        }

        @Override
        public boolean isUnwanted() {
            return false;
        }
    }

    @Test
    void aConnectThatIsCancelledWhileItWaitsForRoomOpensNothing() throws Exception {
        Ask ask = HandWritten.askFor(server);
        Lease former = ConnectionGate.acquire(ask, 0);
        Connection idle = ConnectionGate.open(former, false);
        idle.idle(former); // nobody can evict it
        former.release();
        Lease lease = ConnectionGate.acquire(ask, 0);
        CountedOpener opener = new CountedOpener();
        GatedConnect<String> connect = new GatedConnect<>(opener, new HandWritten(), null);
        assertThat(connect.ask(lease)).isTrue();
        assertThat(connect.standsIn()).isTrue();
        Connection wanted = lease.connection();
        Meanwhile meanwhile = new Meanwhile(wanted, connect);
        Sockets.opened(meanwhile, wanted);
        assertThat(connect.cancel(true)).isTrue();
        assertThat(meanwhile.happened).isTrue();
        assertThat(connect.isCancelled()).isTrue();
        assertThat(opener.opened).hasValue(0);
        Sockets.closed(meanwhile);
        idle.closed();
        lease.release();
        awaitQuiet();
    }
}
