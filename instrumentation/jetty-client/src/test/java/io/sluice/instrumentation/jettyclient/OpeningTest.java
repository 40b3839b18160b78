package io.sluice.instrumentation.jettyclient;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.bridge.ConnectionGate;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.util.ArrayDeque;
import org.eclipse.jetty.util.Promise;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose lease a connection is opened with. Nothing is connected. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpeningTest {
    private static final Destination SERVER = Destination.server("http", "opening.test", 80);

    private final ExchangeQueue queue = new ExchangeQueue(new Object(), new ArrayDeque<>());
    private final QueuedExchange lender = new QueuedExchange();
    private final Opening opening = new Opening(queue, new Promise<Object>() {}, false, false);

    @BeforeEach
    void lend() {
        TestAgent.limit(1);
        lender.lease = ConnectionGate.ask(Ask.direct("jetty-client", SERVER));
        lender.opening = opening;
        synchronized (queue) {
            opening.lentBy(lender);
        }
    }

    @AfterEach
    void defaults() {
        TestAgent.limits(Limits.defaults());
    }

    @Test
    void takesRoomWithTheLeaseOfAnExchange() {
        assertThat(opening.takeRoom()).isEqualTo(Opening.Room.TAKEN);
        assertThat(TestAgent.table().snapshot(SERVER).open()).isEqualTo(1);
        opening.failed(new Exception("closed"));
        assertThat(TestAgent.table().snapshot(SERVER).open()).isZero();
        ConnectionGate.release(lender.lease);
    }

    /** The thread that was to take room was stopped, while the exchange found another connection and was answered. */
    @Test
    void isNotBegunWhereTheLenderIsOver() {
        ConnectionGate.release(lender.lease);
        assertThat(opening.takeRoom()).isEqualTo(Opening.Room.LENDER_GONE);
        synchronized (queue) {
            opening.notBegun();
            assertThat(opening.isBegun()).isFalse();
            assertThat(lender.opening).isNull();
        }
    }
}
