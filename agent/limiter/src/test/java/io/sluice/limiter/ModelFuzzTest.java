package io.sluice.limiter;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Wait.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random steps by one thread, every invariant checked after each. On failure the message names the seed; run that one alone
 * with {@code -Dfuzz.seed=...}.
 */
@Timeout(60)
class ModelFuzzTest {
    private static final int RUNS = 400;
    private static final int STEPS = 400;

    private static final Destination[] SERVERS = {
        Destination.server("http", "a.example.com", 80),
        Destination.server("http", "b.example.com", 80),
        Destination.server("https", "c.example.com", 443)
    };
    private static final Destination[] PROXIES = {
        Destination.proxy("p.example.com", 3128), Destination.proxy("q.example.com", 3128)
    };

    private Random random = new Random();
    private Scene scene = new Scene();
    private Scene.Client[] clients = {};
    private Pool[] pools = {};
    private final List<Lease> pending = new ArrayList<>();
    private final List<Lease> held = new ArrayList<>();
    private final List<Connection> opening = new ArrayList<>();
    private final List<Connection> open = new ArrayList<>();
    private final Map<Connection, Scene.Client> owners = new HashMap<>();
    private final Map<Destination, Snapshot> before = new HashMap<>();
    private final StringBuilder steps = new StringBuilder();

    @Test
    void everyInvariantHoldsAfterEveryStep() {
        Long only = Long.getLong("fuzz.seed");
        long first = only != null ? only : new Random().nextInt(1_000_000_000);
        for (long seed = first; seed < first + (only != null ? 1 : RUNS); seed++) {
            try {
                run(seed);
            } catch (Throwable failure) {
                throw new AssertionError("seed " + seed + ", steps:" + steps, failure);
            }
        }
    }

    private void run(long seed) {
        random = new Random(seed);
        steps.setLength(0);
        pending.clear();
        held.clear();
        opening.clear();
        open.clear();
        owners.clear();
        before.clear();
        scene = new Scene(limits());
        clients = new Scene.Client[] {new Scene.Client(), new Scene.Client()};
        clients[1].closesAtOnce = false;
        pools = new Pool[] {new Pool(), new Pool()};
        for (int i = 0; i < STEPS; i++) {
            step();
            check();
        }
        drain();
    }

    private Limits limits() {
        Limits.Builder limits = Limits.builder()
                .maxConnectionsPerServer(1 + random.nextInt(3))
                .maxConnectionsPer10Server(1 + random.nextInt(4))
                .maxConnectionsPerProxy(1 + random.nextInt(4));
        if (random.nextInt(3) == 0) {
            limits.maxConnections(1 + random.nextInt(6));
        }
        if (random.nextInt(4) == 0) {
            limits.serverOverride("b.example.com", 1 + random.nextInt(3));
        }
        if (random.nextInt(4) == 0) {
            limits.maxPending(1 + random.nextInt(5));
        }
        if (random.nextInt(10) == 0) {
            limits.mode(Limits.Mode.OBSERVE);
        }
        return limits.build();
    }

    private void step() {
        int what = random.nextInt(24);
        steps.append(' ').append(what);
        scene.passMillis(random.nextInt(3));
        if (what < 7) {
            ask();
        } else if (what < 11) {
            finish(pick(held));
        } else if (what == 11) {
            abandon(pick(pending));
        } else if (what < 16) {
            connect(pick(held));
        } else if (what < 18) {
            layDown(pick(open));
        } else if (what == 18) {
            close(pick(open));
        } else if (what == 19) {
            scene.runBackground();
        } else if (what == 20) {
            closeSlowly();
        } else if (what == 21) {
            scene.table.answered(SERVERS[random.nextInt(3)], random.nextBoolean());
        } else if (what == 22 && random.nextInt(4) == 0) {
            before.clear(); // what is allowed starts anew
            scene.table.limits(limits());
        } else if (random.nextInt(4) == 0) {
            pools[random.nextInt(2)].maxTotal(random.nextInt(5));
        } else {
            scene.table.forgetUnused();
        }
        collect();
    }

    private <T> T pick(List<T> from) {
        return from.isEmpty() ? null : from.get(random.nextInt(from.size()));
    }

    private void ask() {
        Destination server = SERVERS[random.nextInt(3)];
        Destination proxy = PROXIES[random.nextInt(2)];
        int path = random.nextInt(4);
        Ask ask = path < 2
                ? Ask.direct("fuzz", server)
                : path == 2 ? Ask.tunnelled("fuzz", server, proxy) : Ask.proxied("fuzz", server, proxy);
        if (random.nextInt(3) == 0) {
            int pool = random.nextInt(2);
            ask = ask.from(pools[pool], 1 + pool);
        }
        pending.add(scene.table.ask(ask));
    }

    private void abandon(Lease lease) {
        if (lease != null) {
            assertThat(lease.abandon(random.nextBoolean() ? Outcome.TIMEOUT : Outcome.CANCELLED))
                    .isTrue();
        }
    }

    /** The exchange ends: its connection is laid down or closed first. */
    private void finish(Lease lease) {
        if (lease == null) {
            return;
        }
        Connection connection = lease.connection();
        if (connection != null && connection.lease() == lease) {
            if (random.nextInt(4) == 0 || !connection.isGranted()) {
                connection.closed();
            } else {
                idle(connection, lease);
            }
        }
        lease.release();
        lease.release();
        held.remove(lease);
    }

    private void idle(Connection connection, Lease lease) {
        owners.get(connection).pool.add(connection);
        connection.idle(lease);
    }

    private void connect(Lease lease) {
        if (lease == null || lease.connection() != null && lease.connection().lease() == lease) {
            return;
        }
        for (Connection idle : open) {
            Scene.Client owner = owners.get(idle);
            boolean fits = lease.ask().equals(asks.get(idle));
            if (fits && random.nextInt(3) > 0 && owner.pool.remove(idle)) {
                assertThat(idle.use(lease)).isTrue();
                return;
            }
        }
        Connection connection = scene.table.open(lease, false);
        Scene.Client owner = clients[random.nextInt(2)];
        owner.owns(connection);
        owners.put(connection, owner);
        asks.put(connection, lease.ask());
        opening.add(connection);
        if (connection.isPending()) {
            connection.makeRoomInBackground();
        }
    }

    private final Map<Connection, Ask> asks = new HashMap<>();

    private void layDown(Connection connection) {
        if (connection != null && connection.lease() != null && random.nextBoolean()) {
            idle(connection, connection.lease());
        }
    }

    private void close(Connection connection) {
        if (connection != null) {
            owners.get(connection).pool.remove(connection);
            connection.closed();
        }
    }

    private void closeSlowly() {
        for (Object each : clients[1].evicted) {
            ((Connection) each).closed();
        }
        clients[1].evicted.clear();
    }

    private void collect() {
        for (Lease lease : new ArrayList<>(pending)) {
            if (!lease.isPending()) {
                pending.remove(lease);
                if (lease.isHeld()) {
                    granted(lease);
                    held.add(lease);
                }
            }
        }
        for (Connection connection : new ArrayList<>(opening)) {
            if (!connection.isPending()) {
                opening.remove(connection);
                if (connection.isGranted() && !connection.isClosed()) {
                    open.add(connection);
                }
            }
        }
        open.removeIf(Connection::isClosed);
    }

    /** Nobody who asked earlier, for the same and without a pool that holds it up, still waits. */
    private void granted(Lease lease) {
        for (Lease other : pending) {
            boolean samePath = other.ask.server.equals(lease.ask.server)
                    && other.ask.proxy == lease.ask.proxy
                    && other.ask.tunnelled == lease.ask.tunnelled;
            if (samePath && (other.ask.pool == null || other.ask.pool == lease.ask.pool) && !lease.isPending()) {
                assertThat(order(other)).as("grantsInArrivalOrder").isGreaterThan(order(lease));
            }
        }
    }

    private final Map<Lease, Integer> orders = new HashMap<>();

    private int order(Lease lease) {
        return orders.computeIfAbsent(lease, any -> orders.size());
    }

    private void check() {
        pending.forEach(this::order);
        for (Snapshot now : scene.table.snapshot()) {
            Snapshot was = before.put(now.destination(), now);
            if (was == null
                    || was.limit() != now.limit()
                    || scene.table.limits().mode() != Limits.Mode.ENFORCE) {
                continue;
            }
            assertThat(now.leased())
                    .as("leasesNeverPassTheLimit of %s", now.destination())
                    .isLessThanOrEqualTo(Math.max(now.limit(), was.leased()));
            int room = Math.max(now.limit(), Math.max(was.leased(), now.leased()));
            assertThat(now.open())
                    .as("openNeverPassesTheLimit of %s", now.destination())
                    .isLessThanOrEqualTo(Math.max(room, was.open()));
        }
        List<Lease> waiting = new ArrayList<>(pending);
        List<Connection> waitingForRoom = new ArrayList<>(opening);
        for (Snapshot now : scene.table.snapshot()) {
            scene.table.limiter(now.destination()).handOff();
        }
        assertThat(waiting).as("nobodyWaitsWhileOneCouldGo").allMatch(Lease::isPending);
        assertThat(waitingForRoom).as("nobodyWaitsWhileOneCouldGo").allMatch(Connection::isPending);
        assertThat(scene.faults).isEmpty();
        for (Destination server : SERVERS) {
            Snapshot now = scene.now(server);
            long counted = open.stream()
                            .filter(c -> asks.get(c).server.equals(server)
                                    && !asks.get(c).isPlainlyProxied())
                            .count()
                    + held.stream()
                            .filter(l -> l.ask.server.equals(server) && l.ask.isPlainlyProxied())
                            .count();
            assertThat((long) now.open()).as("what is open at %s", server).isGreaterThanOrEqualTo(counted);
        }
    }

    /** Everything ends: everybody who waits gets a turn, and nothing is left over. */
    private void drain() {
        scene.table.limits(Limits.defaults());
        for (int rounds = 0; !pending.isEmpty() || !held.isEmpty() || !opening.isEmpty(); rounds++) {
            assertThat(rounds).as("everybody gets a turn").isLessThan(2_000);
            scene.runBackground();
            closeSlowly();
            collect();
            if (!held.isEmpty()) {
                finish(held.get(0));
            }
            collect();
        }
        for (Connection connection : new ArrayList<>(open)) {
            connection.closed();
        }
        scene.runBackground();
        closeSlowly();
        for (Snapshot now : scene.table.snapshot()) {
            assertThat(new int[] {now.leased(), now.pending(), now.idle(), now.open()})
                    .as("leased, pending, idle, open of %s", now.destination())
                    .containsExactly(0, 0, 0, 0);
        }
        assertThat(pools).as("no pool's place is lost").allMatch(Pool::isUnused);
        scene.table.forgetUnused();
        scene.table.forgetUnused();
        assertThat(scene.table.isEmpty()).isTrue();
    }
}
