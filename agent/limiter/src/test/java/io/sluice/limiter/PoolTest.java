package io.sluice.limiter;

import static io.sluice.limiter.Scene.DIRECT;
import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.limit;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client's own limits in our queue: who could not use a lease is passed over. */
@Timeout(20)
class PoolTest {
    private final Scene scene = new Scene(limit(4).build());
    private final LimiterTable table = scene.table;
    private final Pool pool = new Pool();

    @Test
    void whoseRouteIsFullIsPassedOver() {
        Lease first = scene.held(DIRECT.from(pool, 1));
        Lease second = table.ask(DIRECT.from(pool, 1));
        Lease third = table.ask(DIRECT.from(pool, 1));
        Lease another = scene.ask();
        assertThat(second.isPending()).isTrue();
        assertThat(another.isHeld()).isTrue();
        assertThat(scene.waits).as("the newcomer has not waited").isEmpty();
        another.release();
        assertThat(second.isPending()).isTrue();
        first.release();
        assertThat(second.isHeld()).isTrue();
        assertThat(third.isPending()).as("order is kept among those who can go").isTrue();
    }

    @Test
    void whosePoolIsFullElsewhereIsPassedOverUntilAPlaceComesFree() {
        pool.maxTotal(2);
        Lease elsewhere = scene.held(Ask.direct("test", OTHER).from(pool, 9));
        Lease here = scene.held(DIRECT.from(pool, 9));
        Lease waiter = table.ask(DIRECT.from(pool, 9));
        assertThat(waiter.isPending()).isTrue();
        assertThat(scene.ask().isHeld()).isTrue();
        elsewhere.release();
        assertThat(waiter.isHeld()).isTrue();
        assertThat(here.isHeld()).isTrue();
    }

    @Test
    void placeOfAReleasedLeaseIsFreeForTheFirstInTheSameQueue() {
        table.limits(limit(1).build());
        pool.maxTotal(1);
        Lease held = scene.held(DIRECT.from(pool, 9));
        Lease first = table.ask(DIRECT.from(pool, 9));
        Lease second = scene.ask();
        held.release();
        assertThat(first.isHeld()).as("it can go, and it was first").isTrue();
        assertThat(second.isPending()).isTrue();
    }

    @Test
    void raisingThePoolsLimitWakesItsWaiters() {
        pool.maxTotal(1);
        scene.held(DIRECT.from(pool, 9));
        Lease first = table.ask(DIRECT.from(pool, 9));
        Lease second = table.ask(DIRECT.from(pool, 9));
        pool.maxTotal(2);
        assertThat(first.isHeld()).isTrue();
        assertThat(second.isPending()).isTrue();
        pool.maxTotal(0);
        assertThat(second.isHeld()).isTrue();
    }

    @Test
    void oneFreePlaceAmongManyServersEndsTheSearch() {
        pool.maxTotal(1);
        Lease held = scene.held(DIRECT.from(pool, 9));
        List<Lease> waiters = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Destination server = Destination.server("http", "s" + i + ".example.com", 80);
            waiters.add(table.ask(Ask.direct("test", server).from(pool, 9)));
            waiters.add(table.ask(Ask.direct("test", server).from(pool, 9)));
        }
        held.release();
        for (int i = 0; i < waiters.size(); i++) {
            assertThat(waiters).filteredOn(Lease::isHeld).hasSize(1);
            waiters.stream().filter(Lease::isHeld).findFirst().get().release();
        }
        assertThat(waiters).noneMatch(Lease::isPending);
    }

    @Test
    void refusedGrantGivesThePoolsPlaceBackToo() {
        pool.maxTotal(1);
        Lease held = scene.held(DIRECT.from(pool, 9));
        Lease gaveUp = table.ask(DIRECT.from(pool, 9));
        Lease next = table.ask(DIRECT.from(pool, 9));
        Thread releasing;
        synchronized (gaveUp) {
            releasing = Scene.start(held::release);
            Scene.untilBlocked(releasing);
            gaveUp.release();
        }
        Scene.join(releasing);
        assertThat(next.isHeld()).isTrue();
    }

    @Test
    void poolHoldsNothingOnceNobodyWaits() {
        pool.maxTotal(1);
        Lease held = scene.held(DIRECT.from(pool, 9));
        Lease waiter = table.ask(DIRECT.from(pool, 9));
        held.release();
        waiter.release();
        assertThat(pool.hasPlace()).isTrue();
        assertThat(table.ask(DIRECT.from(pool, 9)).isHeld()).isTrue();
        assertThat(pool.hasPlace()).isFalse();
    }
}
