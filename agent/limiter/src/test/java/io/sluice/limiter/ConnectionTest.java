package io.sluice.limiter;

import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.PROXY;
import static io.sluice.limiter.Scene.SERVER;
import static io.sluice.limiter.Scene.limit;
import static io.sluice.limiter.Scene.start;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Wait.Outcome;
import java.lang.ref.WeakReference;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Open connections: room for them, idle ones, and who is closed for whom. */
@Timeout(20)
class ConnectionTest {
    private final Scene scene = new Scene();
    private final LimiterTable table = scene.table;
    private final Scene.Client client = new Scene.Client();

    @Test
    void leastRecentlyUsedIsClosedFirstWhoeverOwnsIt() {
        table.limits(limit(3).build());
        Scene.Client another = new Scene.Client();
        Connection first = client.openIdle(scene, Scene.DIRECT);
        Connection second = another.openIdle(scene, Scene.DIRECT);
        Connection third = client.openIdle(scene, Scene.DIRECT);
        // The first is used again, so that the second is now the least recently used.
        Lease lease = scene.held();
        client.pool.remove(first);
        assertThat(first.use(lease)).isTrue();
        client.layDown(first, lease);

        for (Connection expected : new Connection[] {second, third, first}) {
            Connection opening = table.open(scene.held(), false);
            assertThat(opening.awaitUninterruptibly(0)).isTrue();
            assertThat(expected.isClosed()).isTrue();
        }
        assertThat(client.evicted).containsExactly(third, first);
        assertThat(another.evicted).containsExactly(second);
        assertThat(scene.now().open()).isEqualTo(3);
    }

    @Test
    void missGoesOnToTheNextVictim() {
        Connection taken = client.openIdle(scene, Scene.DIRECT);
        Connection idle = client.openIdle(scene, Scene.DIRECT);
        client.pool.remove(taken); // its client is quicker; the hook has not run yet
        Lease theirs = scene.held();
        Connection opening = table.open(scene.held(), false);
        assertThat(opening.awaitUninterruptibly(0)).isTrue();
        assertThat(client.evicted).containsExactly(idle);
        assertThat(taken.use(theirs)).isTrue();
        assertThat(taken.lease()).isSameAs(theirs);
        assertThat(scene.now().open()).isEqualTo(2);
    }

    @Test
    void whereEveryVictimIsMissedTheNextToBecomeIdleMakesRoom() {
        table.limits(limit(1).build());
        Connection only = client.openIdle(scene, Scene.DIRECT);
        client.pool.clear();
        Lease opener = scene.held();
        Connection opening = table.open(opener, false);
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(opening.isPending()).isTrue();
        table.limits(limit(2).build()); // somebody else gets a lease and uses the connection
        assertThat(opening.isGranted()).isTrue();
        Lease other = scene.held();
        only.use(other);
        table.limits(limit(1).build());
        client.layDown(only, other);
        scene.runBackground();
        assertThat(client.evicted).containsExactly(only);
        assertThat(scene.now().open()).isEqualTo(1);
    }

    @Test
    void nothingInUseIsEvicted() {
        Lease first = scene.held();
        Connection busy = client.open(scene, first);
        Lease second = scene.held();
        Connection busyToo = client.open(scene, second);
        Connection third = table.open(second, false);
        third.makeRoomInBackground();
        scene.runBackground();
        assertThat(third.isPending()).isTrue();
        assertThat(client.evicted).isEmpty();
        busyToo.closed();
        assertThat(third.isGranted()).isTrue();
        assertThat(busy.isClosed()).isFalse();
    }

    @Test
    void roomIsHandedOverOnlyWhenTheSocketIsReallyClosed() {
        table.limits(limit(1).build());
        client.closesAtOnce = false;
        Connection idle = client.openIdle(scene, Scene.DIRECT);
        Lease lease = scene.held();
        Connection opening = table.open(lease, false);
        AtomicBoolean granted = new AtomicBoolean();
        Thread opener = start(() -> granted.set(opening.awaitUninterruptibly(0)));
        Scene.untilParked(opener);
        assertThat(client.evicted).as("closed on the opener's own thread").containsExactly(idle);
        assertThat(scene.background).isEmpty();
        assertThat(scene.now().open()).isEqualTo(1);
        idle.closed();
        idle.closed();
        Scene.join(opener);
        assertThat(granted).isTrue();
        assertThat(scene.now().open()).isEqualTo(1);
    }

    @Test
    void openersAreServedInTheOrderOfArrival() {
        client.closesAtOnce = false;
        Connection first = client.openIdle(scene, Scene.DIRECT);
        Connection second = client.openIdle(scene, Scene.DIRECT);
        Connection opening = table.open(scene.held(), false);
        Connection openingToo = table.open(scene.held(), false);
        opening.makeRoomInBackground();
        openingToo.makeRoomInBackground();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(first, second);
        second.closed();
        assertThat(opening.isGranted()).isTrue();
        assertThat(openingToo.isPending()).isTrue();
        first.closed();
        assertThat(openingToo.isGranted()).isTrue();
    }

    @Test
    void enoughIsClosedForAnOpenerWhereTheLimitWasLoweredToo() {
        table.limits(limit(4).build());
        for (int i = 0; i < 3; i++) {
            client.openIdle(scene, Scene.DIRECT);
        }
        Lease busy = scene.held();
        client.open(scene, busy);
        Lease lease = scene.held();
        table.limits(limit(2).build());
        scene.background.clear(); // the opener is quicker
        client.closesAtOnce = false;
        Connection opening = table.open(lease, false);
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(client.evicted).hasSize(3);
        client.evicted.forEach(each -> ((Connection) each).closed());
        assertThat(opening.isGranted()).isTrue();
        assertThat(scene.now().open()).isEqualTo(2);
    }

    @Test
    void cancelledOpenerGivesItsRoomOn() {
        table.limits(limit(1).build());
        client.closesAtOnce = false;
        Connection idle = client.openIdle(scene, Scene.DIRECT);
        Connection opening = table.open(scene.held(), false);
        opening.makeRoomInBackground();
        scene.runBackground();
        Connection[] next = new Connection[1];
        Thread closing;
        synchronized (opening) {
            closing = start(idle::closed);
            Scene.untilBlocked(closing); // the room is on its way
            opening.closed();
        }
        Scene.join(closing);
        assertThat(opening.outcome()).isEqualTo(Outcome.CANCELLED);
        assertThat(scene.now().open()).isZero();
        next[0] = table.open(opening.lease() == null ? scene.ask() : opening.lease(), false);
        assertThat(next[0].isGranted()).isTrue();
    }

    @Test
    void connectionClosedWhileItsRoomArrivesLeaksNothing() {
        table.limits(limit(1).build());
        Lease lease = scene.held();
        AtomicReference<Connection> toClose = new AtomicReference<>();
        AtomicInteger closed = new AtomicInteger();
        AtomicBoolean done = new AtomicBoolean();
        Thread closing = start(() -> {
            while (!done.get()) {
                Connection next = toClose.getAndSet(null);
                if (next != null) {
                    next.closed();
                    closed.incrementAndGet();
                }
            }
        });
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
        for (int round = 1; System.nanoTime() < endNanos; round++) {
            int now = round;
            Connection first = table.open(lease, false);
            Connection second = table.open(lease, false);
            toClose.set(first);
            second.closed();
            Scene.until(() -> closed.get() == now);
            assertThat(scene.now().open()).as("round %d", round).isZero();
        }
        done.set(true);
        Scene.join(closing);
        assertThat(scene.now().open()).isZero();
    }

    @Test
    void closedIsIdempotentAndEndsTheExchangeWhereThatWasAgreed() {
        Lease lease = scene.held();
        Connection connection = table.open(lease, true);
        connection.closed();
        connection.closed();
        assertThat(lease.isHeld()).isFalse();
        assertThat(scene.now().open()).isZero();
        assertThat(scene.now().leased()).isZero();

        Lease kept = scene.held();
        table.open(kept, false).closed();
        assertThat(kept.isHeld()).isTrue();
    }

    @Test
    void lateIdleOfAFormerExchangeChangesNothing() {
        Lease former = scene.held();
        Connection connection = client.open(scene, former);
        connection.idle(former);
        Lease newer = scene.held();
        connection.use(newer);
        connection.idle(former);
        assertThat(connection.isIdle()).isFalse();
        assertThat(scene.now().idle()).isZero();
        connection.closed();
        assertThat(connection.use(newer)).isFalse();
        connection.idle(newer);
        assertThat(scene.now().idle()).isZero();
    }

    @Test
    void aTunnelIsIdleForBothAPlainlyProxiedConnectionForTheProxyAlone() {
        client.openIdle(scene, Ask.tunnelled("test", SERVER, PROXY));
        assertThat(scene.now(SERVER).idle()).isEqualTo(1);
        assertThat(scene.now(PROXY).idle()).isEqualTo(1);
        Connection plain = client.openIdle(scene, Ask.proxied("test", OTHER, PROXY));
        assertThat(scene.now(OTHER).idle()).isZero();
        assertThat(scene.now(OTHER).open()).isZero();
        assertThat(scene.now(PROXY).idle()).isEqualTo(2);
        // It may carry the next request to another server.
        Lease lease = scene.held(Ask.proxied("test", SERVER, PROXY));
        client.pool.remove(plain);
        assertThat(plain.use(lease)).isTrue();
        assertThat(scene.now(PROXY).open()).isEqualTo(2);
    }

    @Test
    void idleTunnelOfOneOriginMakesRoomAtTheProxyForAnother() {
        table.limits(limit(2).maxConnectionsPerProxy(2).build());
        Connection first = client.openIdle(scene, Ask.tunnelled("test", SERVER, PROXY));
        client.openIdle(scene, Ask.tunnelled("test", SERVER, PROXY));
        Connection opening = table.open(scene.held(Ask.tunnelled("test", OTHER, PROXY)), false);
        assertThat(opening.awaitUninterruptibly(0)).isTrue();
        assertThat(client.evicted).containsExactly(first);
        assertThat(scene.now(SERVER).open()).isEqualTo(1);
        assertThat(scene.now(PROXY).open()).isEqualTo(2);
        assertThat(scene.now(OTHER).open()).isEqualTo(1);
    }

    @Test
    void openerThatMustQueueForTheProxyAfterTheServerHasRoomMadeThereToo() {
        table.limits(limit(1).maxConnectionsPerProxy(1).build());
        client.closesAtOnce = false;
        Connection atServer = client.openIdle(scene, Scene.DIRECT);
        Connection atProxy = client.openIdle(scene, Ask.tunnelled("test", OTHER, PROXY));
        Connection opening = table.open(scene.held(Ask.tunnelled("test", SERVER, PROXY)), false);
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(atServer);
        atServer.closed();
        assertThat(opening.isPending()).isTrue();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(atServer, atProxy);
        atProxy.closed();
        assertThat(opening.isGranted()).isTrue();
    }

    @Test
    void plainlyProxiedExchangeOccupiesTheServersRoomWhileItLasts() {
        table.limits(limit(1).build());
        Connection direct = client.openIdle(scene, Scene.DIRECT);
        Lease proxied = table.ask(Ask.proxied("test", SERVER, PROXY));
        assertThat(proxied.isPending())
                .as("the idle direct connection stands in its room")
                .isTrue();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(direct);
        assertThat(proxied.isHeld()).isTrue();
        assertThat(scene.now().open()).isEqualTo(1);
        assertThat(scene.waits).as("no queue was waited in").isEmpty();
        proxied.release();
        assertThat(scene.now().open()).isZero();
        assertThat(scene.now(PROXY).leased()).isZero();
    }

    @Test
    void plainlyProxiedExchangeThatGivesUpForRoomGivesEverythingBack() {
        table.limits(limit(1).build());
        client.closesAtOnce = false;
        Connection direct = client.openIdle(scene, Scene.DIRECT);
        Lease proxied = table.ask(Ask.proxied("test", SERVER, PROXY));
        scene.runBackground();
        assertThat(proxied.abandon(Outcome.TIMEOUT)).isTrue();
        assertThat(scene.now().leased()).isZero();
        assertThat(scene.now(PROXY).leased()).isZero();
        direct.closed();
        assertThat(scene.now().open()).isZero();
    }

    @Test
    void whoWaitsTooLongForAClientToCloseIsLetInOverTheLimitWithAWarning() {
        table.limits(limit(1).build());
        client.closesAtOnce = false;
        Connection stuck = client.openIdle(scene, Scene.DIRECT);
        Lease lease = scene.held();
        Connection opening = table.open(lease, false);
        opening.makeRoomInBackground();
        scene.runBackground();
        scene.passMillis(29_999);
        assertThat(table.watch(1)).as("somebody waits").isTrue();
        assertThat(opening.isPending()).isTrue();
        scene.passMillis(1);
        assertThat(table.watch(1)).isFalse();
        assertThat(opening.isGranted()).isTrue();
        assertThat(scene.warnings)
                .containsExactly("no idle connection of http://api.example.com:80 was closed within 30 s to make room; "
                        + "a connection is opened over the limit (limit=1, leased=1, idle=0, pending=0)");
        assertThat(scene.now().open()).isEqualTo(2);
        // All is in order once the stuck one is closed after all.
        stuck.closed();
        client.owns(opening);
        client.closesAtOnce = true;
        client.layDown(opening, lease);
        Connection next = table.open(scene.held(), false);
        assertThat(next.awaitUninterruptibly(0)).isTrue();
        assertThat(scene.now().open()).isEqualTo(1);
    }

    @Test
    void clientThatThrowsWhenItShouldCloseHarmsNobody() {
        Scene.Client throwing = new Scene.Client() {
            @Override
            public boolean evict(Object handle) {
                throw new IllegalStateException("evict");
            }

            @Override
            public boolean finish(Object handle) {
                throw new IllegalStateException("finish");
            }
        };
        throwing.openIdle(scene, Scene.DIRECT);
        Connection good = client.openIdle(scene, Scene.DIRECT);
        Connection opening = table.open(scene.held(), false);
        assertThat(opening.awaitUninterruptibly(0)).isTrue();
        assertThat(client.evicted).containsExactly(good);
        throwing.owns(opening);
        assertThat(opening.finish()).isFalse();
        assertThat(scene.faults).extracting(Throwable::getMessage).containsExactly("evict", "finish");
    }

    @Test
    void evictionThatIsMissedWhileAnotherOfTheSameConnectionIsUnderWayDoesNotConfuseTheCounts() {
        table.limits(limit(2).maxConnectionsPerProxy(1).build());
        Ask tunnelled = Ask.tunnelled("test", SERVER, PROXY);
        Ask toOther = Ask.tunnelled("test", OTHER, PROXY);
        Lease[] busy = new Lease[1];
        Connection[] connections = new Connection[3];
        Scene.Client slow = new Scene.Client() {
            @Override
            public boolean evict(Object handle) {
                if (busy[0].isHeld()) {
                    // While it is asked, this client takes the connection, lays it down again, and the proxy evicts it.
                    client.layDown(connections[1], busy[0]);
                    Lease theirs = scene.held(tunnelled);
                    connections[0].use(theirs);
                    layDown(connections[0], theirs);
                    connections[2] = table.open(scene.held(toOther), false);
                    connections[2].makeRoomInBackground();
                    scene.runBackground();
                    return false;
                }
                return super.evict(handle);
            }
        };
        slow.closesAtOnce = false;
        connections[0] = slow.openIdle(scene, tunnelled);
        busy[0] = scene.held();
        connections[1] = client.open(scene, busy[0]);
        Connection opening = table.open(scene.held(), false);
        assertThat(opening.awaitUninterruptibly(0)).isTrue();
        assertThat(connections[2].isPending()).isTrue();
        connections[0].closed();
        assertThat(connections[2].isGranted()).isTrue();

        // Whoever needs room at the proxy next has it made as well.
        slow.closesAtOnce = true;
        slow.owns(connections[2]);
        slow.layDown(connections[2], connections[2].lease());
        assertThat(table.open(scene.held(toOther), false).awaitUninterruptibly(0))
                .isTrue();
    }

    /** Whoever looks through a pool has each of its connections in hand for a moment. */
    @Test
    void victimThatSomebodyOnlyLookedAtIsTriedAgain() {
        table.limits(limit(1).build());
        Connection idle = client.openIdle(scene, Scene.DIRECT);
        client.pool.clear();
        Connection opening = table.open(scene.held(), false);
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(opening.isPending()).isTrue();
        assertThat(scene.now().idle()).as("it lies in its pool all the same").isEqualTo(1);
        client.pool.add(idle);
        assertThat(table.watch(1)).isTrue();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(idle);
        assertThat(opening.isGranted()).isTrue();
        assertThat(scene.now().open()).isEqualTo(1);
    }

    @Test
    void victimThatItsClientWouldNotCloseIsNotTriedAgainBeforeSomethingMoves() {
        table.limits(limit(2).build());
        AtomicInteger trials = new AtomicInteger();
        Scene.Client stubborn = new Scene.Client() {
            @Override
            public boolean evict(Object handle) {
                trials.incrementAndGet();
                return false;
            }
        };
        stubborn.openIdle(scene, Scene.DIRECT);
        Lease busy = scene.held();
        Connection other = client.open(scene, busy);
        Connection opening = table.open(scene.held(), false);
        opening.makeRoomInBackground();
        scene.runBackground();
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(trials).hasValue(1);
        client.layDown(other, busy);
        scene.runBackground();
        assertThat(trials).as("tried first, as it is the eldest").hasValue(2);
        assertThat(client.evicted).containsExactly(other);
        assertThat(opening.isGranted()).isTrue();
    }

    @Test
    void victimWhoseClientTakesItsPromiseBackLateIsIdleAgain() {
        table.limits(limit(1).build());
        client.closesAtOnce = false;
        Connection promised = client.openIdle(scene, Scene.DIRECT);
        Connection opening = table.open(scene.held(), false);
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(scene.now().idle()).isZero();
        promised.notEvicted();
        assertThat(promised.isIdle()).isTrue();
        assertThat(scene.now().idle()).isEqualTo(1);
        client.closesAtOnce = true;
        client.pool.add(promised);
        table.watch(1);
        scene.runBackground();
        assertThat(opening.isGranted()).isTrue();
        promised.notEvicted();
        assertThat(promised.isClosed())
                .as("a word that comes too late changes nothing")
                .isTrue();
        assertThat(scene.now().open()).isEqualTo(1);
    }

    /** An asynchronous client may promise to close a connection and lease it all the same. */
    @Test
    void victimThatWasPromisedAndIsUsedAfterAllIsReplacedByAnother() {
        client.closesAtOnce = false;
        Connection promised = client.openIdle(scene, Scene.DIRECT);
        Connection idle = client.openIdle(scene, Scene.DIRECT);
        Lease theirs = scene.held();
        Connection opening = table.open(scene.held(), false);
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(promised);
        client.closesAtOnce = true;
        assertThat(promised.use(theirs)).isTrue();
        scene.runBackground();
        assertThat(client.evicted).containsExactly(promised, idle);
        assertThat(opening.isGranted()).isTrue();
        assertThat(scene.now().open()).isEqualTo(2);
    }

    @Test
    void nothingOfTheClientsIsHeldStrongly() {
        Object handle = new Object();
        ConnectionOwner owner = new Scene.Client();
        WeakReference<ConnectionOwner> weakOwner = new WeakReference<>(owner);
        WeakReference<Object> weakHandle = new WeakReference<>(handle);
        Lease lease = scene.held();
        Connection connection = table.open(lease, false);
        connection.ownedBy(weakOwner, handle);
        connection.idle(lease);
        owner = null;
        handle = null;
        Scene.until(() -> {
            System.gc();
            return weakOwner.get() == null && weakHandle.get() == null;
        });
        assertThat(connection.isIdle()).isTrue();
    }
}
