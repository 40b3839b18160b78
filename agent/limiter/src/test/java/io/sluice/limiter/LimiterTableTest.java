package io.sluice.limiter;

import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.PROXY;
import static io.sluice.limiter.Scene.SERVER;
import static io.sluice.limiter.Scene.limit;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is remembered, what is looked after, what is shown. */
@Timeout(20)
class LimiterTableTest {
    private static final long UNREAD_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final Scene scene = new Scene();
    private final LimiterTable table = scene.table;

    @Test
    void unusedDestinationIsForgottenAtTheSecondCall() {
        scene.held().release();
        table.forgetUnused();
        assertThat(table.isEmpty()).isFalse();
        table.forgetUnused();
        assertThat(table.isEmpty()).isTrue();
        assertThat(scene.held().isHeld()).isTrue();
    }

    @Test
    void nothingIsForgottenWhileAnythingIsHeldOpenOrUsedSince() {
        Lease lease = scene.held();
        Connection connection = table.open(lease, false);
        forget(3);
        assertThat(scene.now().leased()).isEqualTo(1);
        connection.idle(lease);
        lease.release();
        forget(3);
        assertThat(scene.now().idle()).isEqualTo(1);
        connection.closed();
        forget(1);
        assertThat(table.isEmpty()).isFalse();
        scene.held().release();
        forget(1);
        assertThat(table.isEmpty()).as("used since the last call").isFalse();
        forget(1);
        assertThat(table.isEmpty()).isTrue();
    }

    private void forget(int calls) {
        for (int i = 0; i < calls; i++) {
            table.forgetUnused();
        }
    }

    @Test
    void waitersKeepTheirDestination() {
        table.limits(limit(1).maxConnections(1).build());
        scene.held(Ask.direct("test", OTHER));
        Lease waiter = scene.ask();
        forget(3);
        assertThat(scene.now().leased()).isEqualTo(1);
        assertThat(scene.now(Destination.TOTAL).pending()).isEqualTo(1);
        assertThat(waiter.isPending()).isTrue();
    }

    @Test
    void theClassIsForgottenWithItsDestination() {
        table.answered(SERVER, true);
        assertThat(scene.now().limit()).isEqualTo(4);
        forget(2);
        assertThat(scene.now().limit()).isEqualTo(2);
    }

    @Test
    void lookingAtADestinationDoesNotMakeItKnown() {
        assertThat(scene.now(OTHER).limit()).isEqualTo(2);
        assertThat(table.snapshot()).isEmpty();
    }

    @Test
    void careIsAskedForWhenADestinationIsNewAndWhenSomebodyWaits() {
        scene.held();
        assertThat(scene.cares).hasValue(1);
        scene.held();
        assertThat(scene.cares).hasValue(1);
        scene.ask();
        assertThat(scene.cares).hasValue(2);
        assertThat(table.anybodyWaits()).isTrue();
    }

    @Test
    void careIsAskedForWhenAnOpenerWaits() {
        Scene.Client client = new Scene.Client();
        client.openIdle(scene, Scene.DIRECT);
        client.openIdle(scene, Scene.DIRECT);
        scene.cares.set(0);
        Connection opening = table.open(scene.held(), false);
        assertThat(scene.cares).hasValue(1);
        assertThat(table.anybodyWaits()).isTrue();
        opening.awaitUninterruptibly(0);
        assertThat(table.anybodyWaits()).isFalse();
    }

    @Test
    void stallIsWarnedOfOnceAndNamesTheHolders() {
        Lease first = scene.held();
        Lease second = scene.held(Ask.direct("another", SERVER));
        Lease waiter = scene.ask();
        String thread = Thread.currentThread().getName();
        watchFor(29_900);
        assertThat(scene.warnings).isEmpty();
        watchFor(200);
        String expected = "nothing was released for 30 s while exchanges wait for http://api.example.com:80 "
                + "(limit=2, leased=2, idle=0, pending=1); held by test on thread \"" + thread
                + "\" for 30 s or longer, another on thread \"" + thread + "\" for 30 s or longer";
        assertThat(scene.warnings).containsExactly(expected);
        watchFor(90_000);
        assertThat(scene.warnings).as("once per stall").hasSize(1);

        first.release();
        waiter.release();
        Lease held = scene.held();
        assertThat(scene.ask().isPending()).isTrue();
        watchFor(29_000);
        assertThat(scene.warnings).hasSize(1);
        watchFor(2_000);
        assertThat(scene.warnings).as("another stall").hasSize(2);
        assertThat(held.isHeld() && second.isHeld()).isTrue();
    }

    @Test
    void somethingReleasedNowAndThenIsNoStall() {
        scene.held();
        Lease held = scene.held();
        for (int i = 0; i < 10; i++) {
            Lease waiter = scene.ask();
            Lease last = scene.ask();
            watchFor(20_000);
            held.release();
            held = waiter;
            last.release();
        }
        assertThat(scene.warnings).isEmpty();
    }

    @Test
    void stallWarningCanBeOff() {
        table.limits(Limits.builder().stallWarningNanos(0).build());
        scene.held();
        scene.held();
        scene.ask();
        watchFor(100_000);
        assertThat(scene.warnings).isEmpty();
    }

    private void watchFor(long millis) {
        for (long passed = 0; passed < millis; passed += 100) {
            scene.passMillis(100);
            table.watch(UNREAD_NANOS);
        }
    }

    @Test
    void unreadResponsesAreFinishedWhenSomebodyHasWaitedLongEnough() {
        Scene.Client client = new Scene.Client();
        Connection first = client.open(scene, scene.held());
        Connection second = client.open(scene, scene.held());
        Connection elsewhere = client.open(scene, scene.held(Ask.tunnelled("test", OTHER, PROXY)));
        assertThat(table.watch(UNREAD_NANOS)).isFalse();
        scene.ask();
        scene.passMillis(199);
        assertThat(table.watch(UNREAD_NANOS)).isTrue();
        assertThat(client.finished).isEmpty();
        scene.passMillis(1);
        table.watch(UNREAD_NANOS);
        assertThat(client.finished).containsExactly(first, second).doesNotContain(elsewhere);
    }

    @Test
    void reporterThatThrowsDoesNotKeepTheOthersFromBeingLookedAfter() {
        Reporter throwing = new Reporter() {
            @Override
            public void warn(String message) {
                throw new IllegalStateException("warn");
            }

            @Override
            public void fault(Throwable fault) {
                scene.faults.add(fault);
                throw new IllegalStateException("fault");
            }
        };
        WaitListener silent = new WaitListener() {
            @Override
            public Object captureContext() {
                return null;
            }

            @Override
            public void ended(Wait wait) {}
        };
        LimiterTable faulty =
                new LimiterTable(limit(1).build(), silent, throwing, scene.background::add, scene.clock(), () -> {});
        Scene.Client client = new Scene.Client();
        for (Destination server : new Destination[] {SERVER, OTHER}) {
            Ask ask = Ask.direct("test", server);
            client.owns(faulty.open(faulty.ask(ask), false));
            faulty.ask(ask);
        }
        faulty.watch(UNREAD_NANOS);
        scene.passMillis(31_000);
        assertThat(faulty.watch(UNREAD_NANOS)).isTrue();
        assertThat(client.finished).hasSize(2);
        assertThat(scene.faults).extracting(Throwable::getMessage).containsExactly("warn", "warn");
    }

    @Test
    void figuresAreThoseOfTheMoment() {
        Scene.Client client = new Scene.Client();
        client.openIdle(scene, Scene.DIRECT);
        scene.held();
        scene.held();
        scene.ask();
        scene.passMillis(5);
        scene.ask();
        scene.passMillis(7);
        Snapshot now = scene.now();
        assertThat(now.destination()).isEqualTo(SERVER);
        assertThat(now.leased()).isEqualTo(2);
        assertThat(now.idle()).isEqualTo(1);
        assertThat(now.pending()).isEqualTo(2);
        assertThat(now.open()).isEqualTo(1);
        assertThat(now.releases()).isEqualTo(1);
        assertThat(now.oldestWaitNanos()).isEqualTo(12_000_000L);
        assertThat(table.limits().maxConnectionsPerServer()).isEqualTo(2);
    }
}
