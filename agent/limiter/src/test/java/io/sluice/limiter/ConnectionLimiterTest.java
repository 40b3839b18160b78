package io.sluice.limiter;

import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.PROXY;
import static io.sluice.limiter.Scene.SERVER;
import static io.sluice.limiter.Scene.limit;
import static io.sluice.limiter.Scene.start;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Wait.Outcome;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The invariants of {@link ConnectionLimiter}'s block comment, each in a test of its name, and what follows from them. */
@Timeout(20)
class ConnectionLimiterTest {
    private final Scene scene = new Scene();
    private final LimiterTable table = scene.table;

    @Test
    void leasesNeverPassTheLimit() {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            leases.add(scene.ask());
            assertThat(scene.now().leased()).isEqualTo(Math.min(i + 1, 2));
        }
        for (int i = 0; i < 6; i++) {
            leases.get(i).release();
            assertThat(scene.now().leased()).isEqualTo(Math.min(5 - i, 2));
        }
    }

    @Test
    void openNeverPassesTheLimit() {
        Scene.Client client = new Scene.Client();
        Connection first = client.openIdle(scene, Scene.DIRECT);
        client.openIdle(scene, Scene.DIRECT);
        assertThat(scene.now().open()).isEqualTo(2);

        Lease lease = scene.held();
        client.closesAtOnce = false;
        Connection third = table.open(lease, false);
        assertThat(third.isPending()).isTrue();
        third.makeRoomInBackground();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(first);
        assertThat(third.isPending()).as("before the socket is really closed").isTrue();
        assertThat(scene.now().open()).isEqualTo(2);
        first.closed();
        assertThat(third.isGranted()).isTrue();
        assertThat(scene.now().open()).isEqualTo(2);
    }

    @Test
    void nobodyWaitsWhileOneCouldGo() {
        Lease first = scene.held();
        Lease second = scene.held();
        Lease waiter = scene.ask();
        Lease gaveUp = scene.ask();
        Lease last = scene.ask();
        gaveUp.abandon(Outcome.CANCELLED);
        first.release();
        assertThat(waiter.isHeld()).isTrue();
        second.release();
        assertThat(last.isHeld())
                .as("a waiter that gave up costs nobody a slot")
                .isTrue();
    }

    @Test
    void grantsInArrivalOrder() {
        Lease first = scene.held();
        Lease second = scene.held();
        List<Lease> waiters = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiters.add(scene.ask());
        }
        second.release();
        assertThat(waiters).extracting(Lease::isHeld).containsExactly(true, false, false, false, false);
        waiters.get(1).abandon(Outcome.TIMEOUT);
        first.release();
        assertThat(waiters).extracting(Lease::isHeld).containsExactly(true, false, true, false, false);
        waiters.get(0).release();
        assertThat(waiters).extracting(Lease::isHeld).containsExactly(false, false, true, true, false);
    }

    @Test
    void everyGrantHasOneOwner() {
        Lease first = scene.held();
        scene.held();
        Lease cancelled = scene.ask();
        Lease next = scene.ask();
        whileTheGrantIsOnItsWay(
                first,
                cancelled,
                () -> assertThat(cancelled.abandon(Outcome.CANCELLED)).isTrue());
        assertThat(cancelled.isGranted()).isFalse();
        assertThat(next.isHeld()).as("the grant goes on").isTrue();
        assertThat(scene.now().leased()).isEqualTo(2);
        cancelled.release();
        assertThat(scene.now().leased()).isEqualTo(2);
        assertThat(scene.waits).extracting(Wait::outcome).containsExactlyInAnyOrder(Outcome.CANCELLED, Outcome.GRANTED);
    }

    @Test
    void timeoutThatLosesToTheGrantKeepsIt() {
        Lease first = scene.held();
        scene.held();
        Lease late = scene.ask();
        whileTheGrantIsOnItsWay(
                first, late, () -> assertThat(late.abandon(Outcome.TIMEOUT)).isFalse());
        assertThat(late.isHeld()).isTrue();
        assertThat(late.abandon(Outcome.TIMEOUT)).isFalse();
        assertThat(late.abandon(Outcome.CANCELLED)).isFalse();
        assertThat(scene.waits).extracting(Wait::outcome).containsExactly(Outcome.GRANTED);
    }

    @Test
    void manyThatGaveUpWithTheGrantOnItsWayAreGoneThroughWithoutRecursion() {
        Lease first = scene.held();
        scene.held();
        List<Lease> waiters = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            waiters.add(scene.ask());
        }
        Lease last = scene.ask();
        // Each gives up at the worst moment: when the limiter has chosen it, but it does not know yet. Only one thread
        // can be held up at that point, so the others' giving up is played by refusing without leaving the queue.
        for (Lease waiter : waiters) {
            refuseWithoutLeavingTheQueue(waiter);
        }
        first.release();
        assertThat(last.isHeld()).isTrue();
        assertThat(scene.now().leased()).isEqualTo(2);
    }

    private static void refuseWithoutLeavingTheQueue(Lease lease) {
        try {
            java.lang.reflect.Field state = Waiter.class.getDeclaredField("state");
            state.setAccessible(true);
            state.set(lease, 2);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Holds up the hand-over of {@code released}'s grant to {@code waiter} for as long as the action lasts. */
    private static void whileTheGrantIsOnItsWay(Lease released, Lease waiter, Runnable action) {
        Thread releasing;
        synchronized (waiter) {
            releasing = start(released::release);
            Scene.untilBlocked(releasing);
            action.run();
        }
        Scene.join(releasing);
    }

    @Test
    void newcomersDoNotBarge() {
        Lease first = scene.held();
        scene.held();
        Lease waiter = scene.ask();
        Lease[] newcomer = new Lease[1];
        whileTheGrantIsOnItsWay(first, waiter, () -> newcomer[0] = scene.ask());
        assertThat(waiter.isHeld()).isTrue();
        assertThat(newcomer[0].isPending()).isTrue();
    }

    @Test
    void newcomerBetweenAChangeAndItsHandOffQueuesBehindWhoCanGoNow() {
        Pool pool = new Pool();
        pool.maxTotal(1);
        Lease elsewhere = scene.held(Ask.direct("test", OTHER).from(pool, 9));
        Lease waiter = table.ask(Scene.DIRECT.from(pool, 9));
        assertThat(waiter.isPending()).isTrue();

        pool.leave(); // the first half of a release elsewhere
        Lease newcomer = scene.ask();
        assertThat(newcomer.isPending()).as("somebody before it can go").isTrue();
        pool.wake(); // the second half
        assertThat(waiter.isHeld()).isTrue();
        assertThat(newcomer.isHeld()).isTrue();
        assertThat(scene.now().leased()).isEqualTo(2);
        assertThat(elsewhere.isHeld()).isTrue();
    }

    @Test
    void releasingTwiceIsHarmless() {
        Lease first = scene.held();
        Lease second = scene.held();
        Lease third = scene.ask();
        Lease fourth = scene.ask();
        first.release();
        first.release();
        assertThat(third.isHeld()).isTrue();
        assertThat(fourth.isPending()).isTrue();
        assertThat(scene.now().leased()).isEqualTo(2);
        assertThat(second.isHeld()).isTrue();
    }

    @Test
    void releaseWhilePendingIsACancel() {
        scene.held();
        scene.held();
        Lease pending = scene.ask();
        pending.release();
        assertThat(pending.outcome()).isEqualTo(Outcome.CANCELLED);
        assertThat(pending.isHeld()).isFalse();
        assertThat(scene.now().pending()).isZero();
        assertThat(scene.waits).extracting(Wait::outcome).containsExactly(Outcome.CANCELLED);
    }

    @Test
    void queueIsAtMostMaxPendingLong() {
        table.limits(limit(1).maxPending(2).build());
        Lease held = scene.held();
        Lease first = scene.ask();
        scene.ask();
        Lease refused = scene.ask();
        assertThat(refused.isPending()).isFalse();
        assertThat(refused.isGranted()).isFalse();
        assertThat(refused.outcome()).isEqualTo(Outcome.QUEUE_FULL);
        assertThat(refused.refusal())
                .isEqualTo("refused at once, as many wait already for http://api.example.com:80 "
                        + "(limit=1, leased=1, idle=0, pending=2)");
        assertThat(refused.await(1)).isFalse();
        assertThat(refused.whenSettled(() -> {})).isFalse();
        held.release();
        assertThat(first.isHeld()).isTrue();
        assertThat(scene.ask().isPending())
                .as("there is a place in the queue again")
                .isTrue();
        assertThat(scene.waits).extracting(Wait::outcome).containsExactly(Outcome.QUEUE_FULL, Outcome.GRANTED);
    }

    @Test
    void whoIsTurnedAwayByTheProxyGivesItsServerBack() {
        table.limits(limit(1).maxConnectionsPerProxy(1).maxPending(1).build());
        scene.held(Ask.tunnelled("test", OTHER, PROXY));
        Destination third = Destination.server("http", "third.example.com", 80);
        assertThat(table.ask(Ask.tunnelled("test", third, PROXY)).isPending()).isTrue();
        Lease refused = table.ask(Ask.tunnelled("test", SERVER, PROXY));
        assertThat(refused.outcome()).isEqualTo(Outcome.QUEUE_FULL);
        assertThat(refused.refusal()).contains("wait already for proxy proxy.example.com:3128 ");
        assertThat(scene.now().leased()).isZero();
        refused.release();
        assertThat(scene.now().leased()).isZero();
    }

    @Test
    void whoHasQueuedAtItsServerIsNotTurnedAwayByTheProxy() {
        table.limits(limit(1).maxConnectionsPerProxy(1).maxPending(1).build());
        Lease direct = scene.held();
        Lease waiter = table.ask(Ask.tunnelled("test", SERVER, PROXY));
        Lease other = scene.held(Ask.tunnelled("test", OTHER, PROXY));
        Destination third = Destination.server("http", "third.example.com", 80);
        Lease queued = table.ask(Ask.tunnelled("test", third, PROXY));
        direct.release();
        assertThat(waiter.isPending()).isTrue();
        other.release();
        assertThat(queued.isHeld()).isTrue();
        queued.release();
        assertThat(waiter.isHeld()).isTrue();
    }

    @Test
    void inObserveModeNobodyWaitsAndWhoWouldHaveIsCounted() {
        Pool pool = new Pool();
        pool.maxTotal(1);
        table.limits(limit(2).mode(Limits.Mode.OBSERVE).build());
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            leases.add(scene.held(Scene.DIRECT.from(pool, 1)));
            assertThat(table.open(leases.get(i), false).isGranted()).isTrue();
        }
        assertThat(scene.now().wouldHaveWaited()).isEqualTo(3);
        assertThat(scene.now().leased()).isEqualTo(5);
        assertThat(scene.waits).isEmpty();

        table.limits(limit(2).build());
        Lease waiter = table.ask(Scene.DIRECT.from(pool, 1));
        assertThat(waiter.isPending()).isTrue();
        for (Lease lease : leases) {
            assertThat(waiter.isPending()).isTrue();
            lease.release();
        }
        assertThat(waiter.isHeld()).as("the pool's places came back too").isTrue();
    }

    @Test
    void switchingToObserveModeLetsEverybodyGo() {
        scene.held();
        scene.held();
        Lease waiter = scene.ask();
        table.limits(Limits.builder().mode(Limits.Mode.OBSERVE).build());
        assertThat(waiter.isHeld()).isTrue();
    }
}
