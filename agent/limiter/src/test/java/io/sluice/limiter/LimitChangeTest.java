package io.sluice.limiter;

import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.PROXY;
import static io.sluice.limiter.Scene.SERVER;
import static io.sluice.limiter.Scene.limit;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits that change while exchanges hold and wait. */
@Timeout(20)
class LimitChangeTest {
    private final Scene scene = new Scene();
    private final LimiterTable table = scene.table;

    private List<Lease> ask(Ask ask, int count) {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            leases.add(table.ask(ask));
        }
        return leases;
    }

    private static long held(List<Lease> leases) {
        return leases.stream().filter(Lease::isHeld).count();
    }

    @ParameterizedTest
    @ValueSource(strings = {"server", "override", "http10", "proxy", "proxyOverride", "total"})
    void raisingALimitWakesWaitersAtOnce(String which) {
        table.limits(limits(which, 1));
        boolean proxied = which.startsWith("proxy");
        Ask ask = proxied ? Ask.tunnelled("test", SERVER, PROXY) : Scene.DIRECT;
        if (which.equals("http10")) {
            table.answered(SERVER, true);
        }
        List<Lease> leases = ask(ask, 5);
        assertThat(held(leases)).isEqualTo(1);
        table.limits(limits(which, 3));
        assertThat(leases).extracting(Lease::isHeld).containsExactly(true, true, true, false, false);
        table.limits(limits(which, Limits.UNLIMITED));
        assertThat(held(leases)).isEqualTo(5);
    }

    private static Limits limits(String which, int limit) {
        Limits.Builder wide = limit(50).maxConnectionsPer10Server(50).maxConnectionsPerProxy(50);
        switch (which) {
            case "server":
                return wide.maxConnectionsPerServer(limit).build();
            case "override":
                return wide.serverOverride("*.example.com", limit).build();
            case "http10":
                return wide.maxConnectionsPer10Server(limit).build();
            case "proxy":
                return wide.maxConnectionsPerProxy(limit).build();
            case "proxyOverride":
                return wide.proxyOverride("proxy.example.com:3128", limit).build();
            default:
                return wide.maxConnections(limit).build();
        }
    }

    @Test
    void loweringInterruptsNobodyAndLetsTheExcessDrain() {
        table.limits(limit(4).build());
        List<Lease> leases = ask(Scene.DIRECT, 5);
        table.limits(limit(2).build());
        assertThat(held(leases)).isEqualTo(4);
        leases.get(0).release();
        leases.get(1).release();
        assertThat(leases.get(4).isPending()).isTrue();
        leases.get(2).release();
        assertThat(leases.get(4).isHeld()).isTrue();
        assertThat(scene.now().leased()).isEqualTo(2);
    }

    @Test
    void loweringDrainsIdleConnectionsFirst() {
        table.limits(limit(4).build());
        Scene.Client client = new Scene.Client();
        List<Lease> leases = ask(Scene.DIRECT, 4);
        List<Connection> connections = new ArrayList<>();
        for (Lease lease : leases) {
            connections.add(client.open(scene, lease));
        }
        client.layDown(connections.get(2), leases.get(2));
        client.layDown(connections.get(1), leases.get(1));
        table.limits(limit(3).build());
        scene.runBackground();
        assertThat(client.evicted).containsExactly(connections.get(2));
        assertThat(scene.now().open()).isEqualTo(3);
        assertThat(scene.now().leased()).isEqualTo(2);
        table.limits(limit(1).build());
        scene.runBackground();
        assertThat(client.evicted).containsExactly(connections.get(2), connections.get(1));
        assertThat(scene.now().open()).isEqualTo(2);
    }

    @Test
    void connectionsThatBecomeIdleAfterTheLimitWasLoweredAreClosed() {
        table.limits(limit(4).build());
        Scene.Client client = new Scene.Client();
        List<Lease> leases = ask(Scene.DIRECT, 4);
        List<Connection> connections = new ArrayList<>();
        for (Lease lease : leases) {
            connections.add(client.open(scene, lease));
        }
        table.limits(limit(1).build());
        for (int i = 0; i < 4; i++) {
            client.pool.add(connections.get(i));
            connections.get(i).idle(leases.get(i));
        }
        leases.forEach(Lease::release);
        scene.runBackground();
        assertThat(scene.now().open()).isEqualTo(1);
        assertThat(scene.now().idle()).isEqualTo(1);
    }

    @Test
    void changeOfClassTakesEffectAtOnce() {
        List<Lease> leases = ask(Scene.DIRECT, 6);
        assertThat(held(leases)).isEqualTo(2);
        Connection connection = table.open(leases.get(0), false);
        connection.answered(true);
        assertThat(scene.now().isHttp10()).isTrue();
        assertThat(scene.now().limit()).isEqualTo(4);
        assertThat(held(leases)).isEqualTo(4);
        connection.answered(true);
        connection.answered(false);
        assertThat(scene.now().limit()).isEqualTo(2);
        assertThat(held(leases)).as("nobody is interrupted").isEqualTo(4);
        for (int i = 1; i <= 3; i++) {
            assertThat(leases.get(4).isPending()).isTrue();
            leases.get(i).release();
        }
        assertThat(leases.get(4).isHeld()).isTrue();
        assertThat(leases.get(5).isPending()).isTrue();
    }

    @Test
    void waitsTellTheClassThatHeldOnArrival() {
        ask(Scene.DIRECT, 3).get(2).release();
        table.answered(SERVER, true);
        ask(Scene.DIRECT, 3).get(2).release();
        assertThat(scene.waits).extracting(Wait::limitKind).containsExactly("server", "server_1_0");
        assertThat(scene.waits).extracting(Wait::limit).containsExactly(2, 4);
    }

    @Test
    void anOverrideHoldsForBothVersions() {
        table.limits(Limits.builder().serverOverride("api.example.com", 3).build());
        table.answered(SERVER, true);
        assertThat(held(ask(Scene.DIRECT, 9))).isEqualTo(3);
    }

    @Test
    void aTotalLimitThatComesLaterCountsWhatIsHeld() {
        Scene.Client client = new Scene.Client();
        Connection idle = client.openIdle(scene, Scene.DIRECT);
        Connection idleAtProxy = client.openIdle(scene, Ask.proxied("test", OTHER, PROXY));
        Lease lease = scene.held();
        Connection busy = client.open(scene, lease);
        Lease other = scene.held(Ask.direct("test", OTHER));

        table.limits(Limits.builder().maxConnections(3).build());
        Snapshot total = scene.now(Destination.TOTAL);
        assertThat(total.leased()).isEqualTo(2);
        assertThat(total.open()).isEqualTo(3);
        assertThat(total.idle()).isEqualTo(2);
        assertThat(total.limit()).isEqualTo(3);

        Lease third = scene.held(Ask.direct("test", OTHER));
        Lease fourth = table.ask(Ask.direct("test", Destination.server("http", "third.example.com", 80)));
        assertThat(fourth.isPending()).isTrue();
        other.release();
        assertThat(fourth.isHeld()).isTrue();
        for (Lease each : Arrays.asList(lease, other, third, fourth)) {
            each.release();
        }
        for (Connection each : Arrays.asList(idle, idleAtProxy, busy)) {
            each.closed();
        }
        assertThat(scene.now(Destination.TOTAL).leased()).isZero();
        assertThat(scene.now(Destination.TOTAL).open()).isZero();
    }

    @Test
    void openerThatWaitsWhenATotalLimitComesIsCountedInIt() {
        Scene.Client client = new Scene.Client();
        client.openIdle(scene, Scene.DIRECT);
        client.openIdle(scene, Scene.DIRECT);
        Connection opening = table.open(scene.held(), false);
        table.limits(Limits.builder().maxConnections(9).build());
        opening.makeRoomInBackground();
        scene.runBackground();
        assertThat(opening.isGranted()).isTrue();
        assertThat(scene.now(Destination.TOTAL).open()).isEqualTo(2);
        opening.closed();
        assertThat(scene.now(Destination.TOTAL).open()).isEqualTo(1);
    }

    @Test
    void withoutATotalLimitTheTotalIsNotEvenCounted() {
        scene.held();
        assertThat(table.snapshot()).extracting(Snapshot::destination).containsExactly(SERVER);
    }
}
