package io.sluice.limiter;

import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.PROXY;
import static io.sluice.limiter.Scene.SERVER;
import static io.sluice.limiter.Scene.limit;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Wait.Outcome;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Exchanges that need more than one lease: of the server, of the proxy, and of the JVM's total. */
@Timeout(20)
class ProxyTest {
    private static final Ask TUNNELLED = Ask.tunnelled("test", SERVER, PROXY);

    private final Scene scene = new Scene();
    private final LimiterTable table = scene.table;

    @Test
    void directAndProxiedExchangesShareTheServersLimit() {
        scene.held();
        scene.held(TUNNELLED);
        assertThat(table.ask(Ask.proxied("test", SERVER, PROXY)).isPending()).isTrue();
        assertThat(scene.now(PROXY).leased()).isEqualTo(1);
    }

    @Test
    void aBusyServerDoesNotHoldUpAnotherThroughTheSameProxy() {
        table.limits(limit(2).maxConnectionsPerProxy(3).build());
        List<Lease> busy = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            busy.add(table.ask(TUNNELLED));
        }
        assertThat(scene.now(PROXY).leased()).isEqualTo(2);
        Lease other = table.ask(Ask.tunnelled("test", OTHER, PROXY));
        assertThat(other.isHeld()).isTrue();
        assertThat(busy).filteredOn(Lease::isHeld).hasSize(2);
    }

    @Test
    void whoWaitsForTheProxyHoldsItsServerSoThatTheQueuesStayInOrder() {
        table.limits(limit(1).maxConnectionsPerProxy(1).build());
        Lease first = scene.held(TUNNELLED);
        Lease other = table.ask(Ask.tunnelled("test", OTHER, PROXY));
        Lease second = table.ask(TUNNELLED);
        assertThat(scene.now(OTHER).leased()).isEqualTo(1);
        first.release();
        assertThat(other.isHeld()).as("first in the proxy's queue").isTrue();
        assertThat(second.isPending()).isTrue();
        other.release();
        assertThat(second.isHeld()).isTrue();
    }

    @Test
    void givingUpAtAnyStageGivesBackWhatWasTaken() {
        table.limits(limit(1).maxConnectionsPerProxy(1).maxConnections(2).build());
        Lease total = scene.held(Ask.direct("test", Destination.server("https", "a.example.com", 0)));
        Lease proxy = scene.held(Ask.tunnelled("test", OTHER, PROXY));
        Lease waiter = table.ask(TUNNELLED);
        assertThat(scene.now(SERVER).leased()).isEqualTo(1);
        assertThat(waiter.abandon(Outcome.TIMEOUT)).isTrue();
        assertThat(waiter.refusal()).contains("waiting for proxy proxy.example.com:3128 (limit=1, ");
        assertThat(scene.now(SERVER).leased()).isZero();

        Lease direct = table.ask(Scene.DIRECT);
        assertThat(direct.isPending()).isTrue();
        assertThat(direct.abandon(Outcome.CANCELLED)).isTrue();
        assertThat(direct.refusal()).contains("waiting for all connections (limit=2, leased=2");
        assertThat(scene.now(SERVER).leased()).isZero();
        assertThat(scene.waits).extracting(Wait::limitKind).containsExactly("proxy", "total");
        total.release();
        proxy.release();
        for (Snapshot each : table.snapshot()) {
            assertThat(each.leased() + each.pending())
                    .as("%s", each.destination())
                    .isZero();
        }
    }

    @Test
    void noCircleIsPossibleWhereEverybodyNeedsServerProxyAndTotal() {
        table.limits(limit(1).maxConnectionsPerProxy(1).maxConnections(1).build());
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            Destination server = i % 2 == 0 ? SERVER : OTHER;
            leases.add(table.ask(i % 3 == 0 ? Ask.direct("test", server) : Ask.tunnelled("test", server, PROXY)));
        }
        for (int done = 0; done < 30; done++) {
            Lease held = leases.stream()
                    .filter(Lease::isHeld)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("everybody waits"));
            assertThat(leases).filteredOn(Lease::isHeld).hasSize(1);
            held.release();
        }
        assertThat(leases).noneMatch(Lease::isPending);
    }

    @Test
    void answersThroughATunnelTellTheServersClassAndPlainOnesTellNothingOfIt() {
        table.open(scene.held(TUNNELLED), false).answered(true);
        assertThat(scene.now(SERVER).isHttp10()).isTrue();
        table.open(scene.held(Ask.proxied("test", OTHER, PROXY)), false).answered(true);
        assertThat(scene.now(OTHER).isHttp10()).isFalse();
    }
}
