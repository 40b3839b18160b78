package io.sluice.limiter;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Wait.Outcome;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Many threads at once, with a watchdog: whoever waits without a time limit must get its turn, or a wake-up was lost. Meters
 * beside the limiter count what is really open and under way.
 */
@Timeout(120)
class RaceTest {
    private static final int THREADS = 8;
    private static final int EXCHANGES = 1_500;
    private static final long WATCHDOG_SECONDS = 60;

    private static final Destination[] SERVERS = {
        Destination.server("http", "a.example.com", 80), Destination.server("http", "b.example.com", 80)
    };
    private static final Destination PROXY = Destination.proxy("p.example.com", 3128);

    private static final int BACKGROUND_THREADS = 2;

    private final ExecutorService background = Executors.newFixedThreadPool(BACKGROUND_THREADS, task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });
    private final List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    private final List<Wait> waits = Collections.synchronizedList(new ArrayList<>());
    private final Map<Destination, AtomicInteger> underWay = new ConcurrentHashMap<>();
    private final Map<Destination, AtomicInteger> open = new ConcurrentHashMap<>();
    private final long seed = Long.getLong("fuzz.seed", new Random().nextInt(1_000_000_000));

    private LimiterTable table = table(Limits.defaults());
    private boolean limitsAreFixed = true;

    private LimiterTable table(Limits limits) {
        WaitListener listener = new WaitListener() {
            @Override
            public Object captureContext() {
                return null;
            }

            @Override
            public void ended(Wait wait) {
                waits.add(wait);
            }
        };
        Reporter reporter = new Reporter() {
            @Override
            public void warn(String message) {
                failures.add(new AssertionError(message));
            }

            @Override
            public void fault(Throwable fault) {
                failures.add(fault);
            }
        };
        return new LimiterTable(limits, listener, reporter, background, Clock.SYSTEM, () -> {});
    }

    @AfterEach
    void stop() {
        background.shutdownNow();
    }

    private interface Work {
        void run(Random random) throws Exception;
    }

    /** Runs the work in each of many threads; fails where one does not come to its end. */
    private void inManyThreads(Work work) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(THREADS);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            Random random = new Random(seed + i);
            threads.add(Scene.start(() -> {
                try {
                    work.run(random);
                } catch (Throwable failure) {
                    failures.add(failure);
                } finally {
                    done.countDown();
                }
            }));
        }
        boolean ended = done.await(WATCHDOG_SECONDS, TimeUnit.SECONDS);
        StringBuilder state = new StringBuilder("seed " + seed + ": ");
        for (Snapshot now : table.snapshot()) {
            state.append(now.destination()).append(' ');
            state.append(table.limiter(now.destination()).figures(0))
                    .append(" open=")
                    .append(now.open());
            state.append("; ");
        }
        for (Thread thread : threads) {
            if (thread.isAlive()) {
                state.append(java.util.Arrays.toString(thread.getStackTrace())).append("; ");
            }
        }
        assertThat(failures).as("%s", state).isEmpty();
        assertThat(ended).as("somebody waits for ever: %s", state).isTrue();
    }

    /** Whoever gave up in the background may still be giving back what it held when the exchange's own thread has ended. */
    private void untilTheBackgroundIsDone() throws InterruptedException {
        CountDownLatch together = new CountDownLatch(BACKGROUND_THREADS);
        for (int i = 0; i < BACKGROUND_THREADS; i++) {
            background.execute(() -> {
                together.countDown();
                try {
                    together.await(); // so that the other thread, too, must come to the end of what was before
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        together.await();
    }

    private void nothingIsLeft() throws InterruptedException {
        untilTheBackgroundIsDone();
        for (Snapshot now : table.snapshot()) {
            assertThat(new int[] {now.leased(), now.pending()})
                    .as("seed %d: leased, pending of %s", seed, now.destination())
                    .containsExactly(0, 0);
        }
        table.limits(Limits.defaults());
        Scene.until(() -> table.snapshot().stream().allMatch(now -> now.open() == now.idle()));
    }

    private void enter(Map<Destination, AtomicInteger> meter, Destination destination) {
        int now = meter.computeIfAbsent(destination, any -> new AtomicInteger()).incrementAndGet();
        if (limitsAreFixed && now > table.limits().limitFor(destination, false)) {
            failures.add(new AssertionError(now + " at " + destination));
        }
    }

    private void leave(Map<Destination, AtomicInteger> meter, Destination destination) {
        meter.get(destination).decrementAndGet();
    }

    @Test
    void nobodyWaitsForEverAndNoLimitIsPassed() throws InterruptedException {
        inManyThreads(random -> {
            for (int i = 0; i < EXCHANGES; i++) {
                Lease lease = table.ask(Ask.direct("race", SERVERS[random.nextInt(2)]));
                assertThat(lease.await(0)).isTrue();
                enter(underWay, lease.ask().server());
                pause(random);
                leave(underWay, lease.ask().server());
                lease.release();
            }
        });
        nothingIsLeft();
    }

    @Test
    void givingUpOfEveryKindLosesNoLease() throws InterruptedException {
        Pool pool = new Pool();
        pool.maxTotal(3);
        table = table(
                Limits.builder().maxConnectionsPerProxy(2).maxConnections(3).build());
        inManyThreads(random -> {
            for (int i = 0; i < EXCHANGES; i++) {
                exchange(random, pool);
            }
            assertThat(Thread.interrupted()).isFalse();
        });
        nothingIsLeft();
        assertThat(pool.isUnused()).isTrue();
        assertThat(waits).extracting(Wait::outcome).contains(Outcome.GRANTED, Outcome.CANCELLED, Outcome.TIMEOUT);
    }

    private void exchange(Random random, Pool pool) {
        Destination server = SERVERS[random.nextInt(2)];
        int path = random.nextInt(3);
        Ask ask = path == 0
                ? Ask.direct("race", server)
                : path == 1 ? Ask.tunnelled("race", server, PROXY) : Ask.proxied("race", server, PROXY);
        Lease lease = table.ask(random.nextBoolean() ? ask.from(pool, 2) : ask);
        int how = random.nextInt(8);
        if (how == 0) {
            background.execute(lease::release); // at any moment, even twice
        } else if (how == 1) {
            Thread.currentThread().interrupt();
        }
        boolean granted = how == 2 ? lease.await(1 + random.nextInt(50_000)) : lease.await(0);
        Thread.interrupted();
        if (granted && how != 0) {
            enter(underWay, server);
            pause(random);
            leave(underWay, server);
        }
        lease.release();
        assertThat(lease.isHeld()).isFalse();
    }

    @Test
    void limitsThatChangeAllTheTimeLoseNoWakeUp() throws InterruptedException {
        limitsAreFixed = false;
        AtomicInteger changers = new AtomicInteger();
        Pool pool = new Pool();
        inManyThreads(random -> {
            boolean changes = changers.getAndIncrement() < 2;
            for (int i = 0; i < EXCHANGES; i++) {
                if (!changes) {
                    exchange(random, pool);
                } else if (random.nextInt(4) == 0) {
                    table.answered(SERVERS[random.nextInt(2)], random.nextBoolean());
                } else if (random.nextInt(3) == 0) {
                    pool.maxTotal(1 + random.nextInt(4));
                } else if (random.nextInt(10) == 0) {
                    table.forgetUnused();
                } else {
                    Limits.Builder limits = Limits.builder()
                            .maxConnectionsPerServer(1 + random.nextInt(3))
                            .maxConnectionsPerProxy(1 + random.nextInt(3));
                    if (random.nextInt(3) == 0) {
                        limits.maxConnections(1 + random.nextInt(4));
                    }
                    if (random.nextInt(10) == 0) {
                        limits.mode(Limits.Mode.OBSERVE);
                    }
                    table.limits(limits.build());
                }
            }
        });
        nothingIsLeft();
        assertThat(pool.isUnused()).isTrue();
    }

    @Test
    void twoClientsShareTheRoomOfBusyServersAndOneProxy() throws InterruptedException {
        table = table(Limits.builder().maxConnectionsPerProxy(2).build());
        RealPool[] pools = {new RealPool(), new RealPool()};
        inManyThreads(random -> {
            for (int i = 0; i < EXCHANGES; i++) {
                Destination server = SERVERS[random.nextInt(2)];
                Ask ask = random.nextBoolean() ? Ask.direct("race", server) : Ask.tunnelled("race", server, PROXY);
                Lease lease = table.ask(ask);
                assertThat(lease.await(0)).isTrue();
                RealPool pool = pools[random.nextInt(2)];
                Connection connection = pool.take(ask, lease);
                if (connection == null) {
                    connection = table.open(lease, false);
                    assertThat(connection.awaitUninterruptibly(0)).isTrue();
                    pool.opened(connection, ask);
                }
                pause(random);
                if (random.nextInt(5) == 0) {
                    pool.close(connection, ask);
                } else {
                    pool.layDown(connection, ask, lease);
                }
                lease.release();
            }
        });
        nothingIsLeft();
    }

    /** A client's pool under a lock of its own, as Apache's or the JDK's. */
    private final class RealPool implements ConnectionOwner {
        private final java.lang.ref.WeakReference<ConnectionOwner> self = new java.lang.ref.WeakReference<>(this);
        private final Map<Connection, Ask> idle = new java.util.LinkedHashMap<>();

        Connection take(Ask ask, Lease lease) {
            Connection taken = null;
            synchronized (idle) {
                for (Map.Entry<Connection, Ask> each : idle.entrySet()) {
                    Ask its = each.getValue();
                    if (its.server.equals(ask.server) && its.proxy == ask.proxy) {
                        taken = each.getKey();
                    }
                }
                idle.remove(taken);
            }
            // Out of the lock, as the hooks of some clients are: meanwhile somebody may want to evict it.
            return taken != null && taken.use(lease) ? taken : null;
        }

        void opened(Connection connection, Ask ask) {
            connection.ownedBy(self, connection);
            enter(open, ask.server);
            if (ask.proxy != null) {
                enter(open, ask.proxy);
            }
        }

        void layDown(Connection connection, Ask ask, Lease lease) {
            synchronized (idle) {
                idle.put(connection, ask);
            }
            connection.idle(lease);
        }

        void close(Connection connection, Ask ask) {
            leave(open, ask.server);
            if (ask.proxy != null) {
                leave(open, ask.proxy);
            }
            connection.closed();
        }

        @Override
        public boolean evict(Object handle) {
            Ask ask;
            synchronized (idle) {
                ask = idle.remove(handle);
            }
            if (ask == null) {
                return false;
            }
            close((Connection) handle, ask);
            return true;
        }

        @Override
        public boolean finish(Object handle) {
            return false;
        }
    }

    private static void pause(Random random) {
        if (random.nextInt(4) == 0) {
            Thread.yield();
        }
    }
}
