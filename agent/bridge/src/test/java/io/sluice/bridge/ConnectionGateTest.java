package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Pool;
import io.sluice.limiter.Wait.Outcome;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each test installs a gate anew, which replaces the one before. */
@Timeout(30)
class ConnectionGateTest {
    private static final Destination SERVER = Destination.server("http", "gate.example.com", 80);
    private static final Ask ASK = Ask.direct("test", SERVER);
    private static final Limits ONE =
            Limits.builder().maxConnectionsPerServer(1).build();

    private final Recorder recorder = new Recorder();

    @BeforeEach
    void ready() {
        Ready.done();
    }

    @Test
    void beforeItIsInstalledEverybodyGoesOnUnlimited() throws Exception {
        FreshClasses.run(BeforeItIsInstalled.class);
    }

    static final class BeforeItIsInstalled implements Runnable {
        @Override
        public void run() {
            boolean free = ConnectionGate.acquire(ASK, 0) == null
                    && ConnectionGate.ask(ASK) == null
                    && ConnectionGate.open(null, true) == null
                    && ConnectionGate.openLater(null, true, () -> {}) == null
                    && ConnectionGate.table() == null
                    && ConnectionGate.maxWaitNanos(7) == 7;
            ConnectionGate.release(null);
            if (!free) {
                throw new AssertionError("limited");
            }
        }
    }

    @Test
    void whatIsOffOrExemptGoesOnUnlimited() {
        recorder.install(Limits.builder().mode(Limits.Mode.OFF).build());
        assertThat(ConnectionGate.acquire(ASK, 0)).isNull();
        recorder.table().limits(ONE);
        assertThat(ConnectionGate.acquire(ASK, 0)).isNotNull();
        Exempt.run(() -> assertThat(ConnectionGate.acquire(ASK, 0)).isNull());
        assertThat(recorder.table().snapshot(SERVER).leased()).isEqualTo(1);
    }

    @Test
    void switchingOffLetsEverybodyGoAndTakesBackWhatWasHeld() {
        recorder.install(ONE);
        Lease held = ConnectionGate.acquire(ASK, 0);
        Lease waiter = ConnectionGate.ask(ASK);
        recorder.table().limits(ONE.toBuilder().mode(Limits.Mode.OFF).build());
        assertThat(waiter.isHeld()).isTrue();
        ConnectionGate.release(held);
        ConnectionGate.release(waiter);
        assertThat(recorder.table().snapshot(SERVER).leased()).isZero();
    }

    @Test
    void waitThatNobodyBlocksForEndsWhenTheShorterOfBothTimesIsOver() {
        recorder.install(
                ONE.toBuilder().waitTimeoutNanos(TimeUnit.HOURS.toNanos(1)).build());
        ConnectionGate.acquire(ASK, 0);
        Lease waiter = ConnectionGate.ask(ASK);
        ConnectionGate.endAfter(waiter, TimeUnit.MILLISECONDS.toNanos(1));
        Until.holds(() -> !waiter.isPending());
        assertThat(waiter.outcome()).isEqualTo(Outcome.TIMEOUT);
    }

    @Test
    void waitWithoutAnyTimeLimitNeedsNoTimer() {
        recorder.install(ONE.toBuilder().waitTimeoutNanos(0).build());
        ConnectionGate.acquire(ASK, 0);
        Lease waiter = ConnectionGate.ask(ASK);
        assertThat(waiter.isPending()).isTrue();
        assertThat(ConnectionGate.endAfter(waiter, 0) == null).isTrue();
    }

    @Test
    void acquireParksUntilTheLeaseIsReleased() {
        recorder.install(ONE);
        Lease held = ConnectionGate.acquire(ASK, 0);
        Lease[] got = new Lease[1];
        Thread waiter = Until.started(() -> got[0] = ConnectionGate.acquire(ASK, 0));
        Until.parked(waiter);
        ConnectionGate.release(held);
        Until.ended(waiter);
        assertThat(got[0].isHeld()).isTrue();
    }

    @Test
    void theShorterOfBothTimeoutsCounts() {
        recorder.install(ONE);
        assertThat(ConnectionGate.maxWaitNanos(0)).isZero();
        assertThat(ConnectionGate.maxWaitNanos(-5)).isZero();
        assertThat(ConnectionGate.maxWaitNanos(7)).isEqualTo(7);
        recorder.table().limits(ONE.toBuilder().waitTimeoutNanos(10).build());
        assertThat(ConnectionGate.maxWaitNanos(0)).isEqualTo(10);
        assertThat(ConnectionGate.maxWaitNanos(-1)).isEqualTo(10);
        assertThat(ConnectionGate.maxWaitNanos(7)).isEqualTo(7);
        assertThat(ConnectionGate.maxWaitNanos(70)).isEqualTo(10);
    }

    @Test
    void refusedLeaseSaysWhy() {
        recorder.install(ONE.toBuilder()
                .waitTimeoutNanos(TimeUnit.MILLISECONDS.toNanos(5))
                .build());
        ConnectionGate.acquire(ASK, 0);
        Lease refused = ConnectionGate.acquire(ASK, 0);
        assertThat(refused.isGranted()).isFalse();
        assertThat(refused.outcome()).isEqualTo(Outcome.TIMEOUT);
        assertThat(refused.refusal())
                .matches("timed out after \\d+ ms waiting for http://gate.example.com:80 "
                        + "\\(limit=1, leased=1, idle=0, pending=1\\)");
        assertThat(ConnectionGate.open(refused, true)).isNull();
    }

    @Test
    void openClosesAnIdleConnectionAndParksUntilItsSocketIsClosed() {
        recorder.install(ONE);
        List<Object> evicted = java.util.Collections.synchronizedList(new ArrayList<>());
        ConnectionOwner owner = owner(evicted);
        Connection idle = idle(owner);
        Lease lease = ConnectionGate.acquire(ASK, 0);
        Connection[] opened = new Connection[1];
        Thread opener = Until.started(() -> opened[0] = ConnectionGate.open(lease, true));
        Until.holds(() -> !evicted.isEmpty()); // before that, it may be parked for the limiter's lock
        Until.parked(opener);
        assertThat(evicted).containsExactly(idle);
        idle.closed();
        Until.ended(opener);
        assertThat(opened[0].isGranted()).isTrue();
        opened[0].closed();
        assertThat(lease.isHeld()).as("it ended with its connection").isFalse();
    }

    private static Connection idle(ConnectionOwner owner) {
        Lease former = ConnectionGate.acquire(ASK, 0);
        Connection idle = ConnectionGate.open(former, false);
        idle.ownedBy(new WeakReference<>(owner), idle);
        idle.idle(former);
        ConnectionGate.release(former);
        return idle;
    }

    private static ConnectionOwner owner(List<Object> evicted) {
        return new ConnectionOwner() {
            @Override
            public boolean evict(Object handle) {
                return evicted.add(handle);
            }

            @Override
            public boolean finish(Object handle) {
                return false;
            }
        };
    }

    @Test
    void openLaterCallsBackInTheBackgroundOnlyWhereItHadToWait() throws InterruptedException {
        recorder.install(ONE);
        List<Object> evicted = java.util.Collections.synchronizedList(new ArrayList<>());
        ConnectionOwner owner = owner(evicted);
        Connection idle = idle(owner);
        Lease lease = ConnectionGate.acquire(ASK, 0);
        CountDownLatch ready = new CountDownLatch(1);
        Thread[] on = new Thread[1];
        Connection connection = ConnectionGate.openLater(lease, false, () -> {
            on[0] = Thread.currentThread();
            ready.countDown();
        });
        assertThat(connection.isPending()).isTrue();
        Until.holds(() -> evicted.contains(idle));
        idle.closed();
        ready.await();
        assertThat(on[0].getName()).startsWith("sluice-");
        assertThat(connection.isGranted()).isTrue();
        connection.closed();
        Connection atOnce = ConnectionGate.openLater(lease, false, () -> {
            throw new AssertionError("nobody waited");
        });
        assertThat(atOnce.isGranted()).isTrue();
        assertThat(recorder.faults).isEmpty();
    }

    @Test
    void whoseLeaseIsGoneOpensUnlimited() {
        recorder.install(ONE);
        Lease lease = ConnectionGate.acquire(ASK, 0);
        ConnectionGate.release(lease);
        ConnectionGate.release(lease);
        assertThat(ConnectionGate.open(lease, false)).isNull();
        assertThat(recorder.table().snapshot(SERVER).open()).isZero();
    }

    @Test
    void aPoolHasOneTokenByIdentityAndNewLimitsWakeItsWaiters() {
        recorder.install(Limits.builder().maxConnectionsPerServer(5).build());
        String clientPool = new String("a pool");
        Pool token = ConnectionGate.pool(clientPool, 1);
        assertThat(ConnectionGate.pool(clientPool, 1)).isSameAs(token);
        assertThat(ConnectionGate.pool(new String("a pool"), 1)).isNotSameAs(token);
        ConnectionGate.acquire(ASK.from(token, 9), 0);
        Lease waiter = ConnectionGate.ask(ASK.from(token, 9));
        assertThat(waiter.isPending()).isTrue();
        ConnectionGate.pool(clientPool, 2);
        assertThat(waiter.isHeld()).isTrue();
    }

    @Test
    void faultsAreReportedAndTheExchangeGoesOn() {
        recorder.install(ONE);
        assertThat(ConnectionGate.ask(null)).isNull();
        assertThat(recorder.faults).hasSize(1);
        FailOpen.report(new IllegalStateException());
        assertThat(recorder.faults).hasSize(2);
    }
}
