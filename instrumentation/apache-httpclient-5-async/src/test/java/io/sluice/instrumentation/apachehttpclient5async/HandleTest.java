package io.sluice.instrumentation.apachehttpclient5async;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.bridge.ConnectionGate;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import org.junit.jupiter.api.Test;

/** Whose a connection is whose users come and go while it is opened, as those of an HTTP/2 session do. */
class HandleTest extends ClientFixture {
    @Test
    void aConnectionWhoseFirstUserHasGoneWhileItWasOpenedIsTheNextOnes() throws Exception {
        Ask ask = HandWritten.askFor(server);
        Handle handle = new HandWritten();
        Lease first = ConnectionGate.acquire(ask, 0);
        assertThat(handle.join(first)).isTrue();
        Connection opening = ConnectionGate.open(first, false);
        handle.leave();
        Lease second = ConnectionGate.acquire(ask, 0);
        assertThat(handle.join(second)).isTrue();
        handle.opened(opening, null);
        assertThat(opening.isIdle()).isFalse();
        handle.leave();
        assertThat(opening.isIdle()).isTrue();
        awaitQuiet();
        opening.closed();
    }
}
