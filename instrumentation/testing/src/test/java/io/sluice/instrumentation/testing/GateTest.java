package io.sluice.instrumentation.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GateTest {
    private final Gate gate = new Gate();

    /** The thread of the first one is slow: it has been seen to arrive, but does not wait at the gate yet. */
    @Test
    void permitIsForTheFirstToArriveWhoeverComesToTheGateFirst() throws Exception {
        gate.arrives(0);
        gate.arrives(1);
        gate.permit(1);
        FutureTask<Void> second = new FutureTask<>(() -> {
            gate.pass(1);
            return null;
        });
        Thread thread = Listener.startDaemon("second", second);
        while (thread.getState() != Thread.State.WAITING && thread.isAlive()) {
            Thread.sleep(1);
        }
        gate.pass(0);
        assertThat(second.isDone()).isFalse();
        assertThat(gate.held()).isEqualTo(1);
        gate.permit(1);
        second.get();
        assertThat(gate.held()).isZero();
    }

    @Test
    void whoIsGoneHoldsNobodyUp() throws Exception {
        gate.arrives(0);
        gate.arrives(1);
        gate.gone(0);
        gate.permit(1);
        gate.pass(1);
        assertThat(gate.held()).isZero();
    }
}
