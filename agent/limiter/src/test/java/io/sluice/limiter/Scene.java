package io.sluice.limiter;

import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/** A table with everything around it in the test's hand: time stands still and nothing runs in the background by itself. */
final class Scene {
    static final Destination SERVER = Destination.server("http", "api.example.com", 80);
    static final Destination OTHER = Destination.server("http", "other.example.com", 80);
    static final Destination PROXY = Destination.proxy("proxy.example.com", 3128);
    static final Ask DIRECT = Ask.direct("test", SERVER);

    final AtomicLong nanos = new AtomicLong(1_000_000_000L);
    final Queue<Runnable> background = new ArrayDeque<>();
    final List<Wait> waits = Collections.synchronizedList(new ArrayList<>());
    final List<String> warnings = Collections.synchronizedList(new ArrayList<>());
    final List<Throwable> faults = Collections.synchronizedList(new ArrayList<>());
    final AtomicInteger captured = new AtomicInteger();
    final AtomicInteger cares = new AtomicInteger();
    final LimiterTable table;

    Scene() {
        this(Limits.defaults());
    }

    Scene(Limits limits) {
        this(limits, null);
    }

    /** With an executor of the test's own, or null for one that keeps its tasks until {@link #runBackground}. */
    Scene(Limits limits, Executor executor) {
        WaitListener listener = new WaitListener() {
            @Override
            public Object captureContext() {
                return captured.incrementAndGet();
            }

            @Override
            public void ended(Wait wait) {
                waits.add(wait);
            }
        };
        table = new LimiterTable(
                limits,
                listener,
                reporter(),
                executor != null ? executor : background::add,
                clock(),
                cares::incrementAndGet);
    }

    Clock clock() {
        return new Clock() {
            @Override
            public long nanoTime() {
                return nanos.get();
            }

            @Override
            public long epochMillis() {
                return TimeUnit.NANOSECONDS.toMillis(nanos.get());
            }
        };
    }

    Reporter reporter() {
        return new Reporter() {
            @Override
            public void warn(String message) {
                warnings.add(message);
            }

            @Override
            public void fault(Throwable fault) {
                faults.add(fault);
            }
        };
    }

    static Limits.Builder limit(int perServer) {
        return Limits.builder().maxConnectionsPerServer(perServer);
    }

    Lease ask() {
        return table.ask(DIRECT);
    }

    Lease held(Ask ask) {
        Lease lease = table.ask(ask);
        if (!lease.isHeld()) {
            throw new AssertionError("had to wait");
        }
        return lease;
    }

    Lease held() {
        return held(DIRECT);
    }

    Snapshot now(Destination destination) {
        return table.snapshot(destination);
    }

    Snapshot now() {
        return now(SERVER);
    }

    void passMillis(long millis) {
        nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    /** Runs what was given to the background, and what comes of it. */
    void runBackground() {
        for (Runnable task = background.poll(); task != null; task = background.poll()) {
            task.run();
        }
    }

    static void until(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("waited too long");
            }
            Thread.yield();
        }
    }

    static Thread start(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static void untilParked(Thread thread) {
        until(() -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
    }

    static void untilBlocked(Thread thread) {
        until(() -> thread.getState() == Thread.State.BLOCKED);
    }

    static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError("waited too long", e);
        }
    }

    /** A client with a pool: its connections are their own handles. */
    static class Client implements ConnectionOwner {
        /** The idle ones, as the client knows them. */
        final Set<Object> pool = Collections.synchronizedSet(new LinkedHashSet<>());

        final List<Object> evicted = Collections.synchronizedList(new ArrayList<>());
        final List<Object> finished = Collections.synchronizedList(new ArrayList<>());
        private final WeakReference<ConnectionOwner> self = new WeakReference<>(this);
        /** Whether closing takes effect at once, as for a plain socket. */
        volatile boolean closesAtOnce = true;

        Connection owns(Connection connection) {
            connection.ownedBy(self, connection);
            return connection;
        }

        Connection open(Scene scene, Lease lease) {
            Connection connection = owns(scene.table.open(lease, false));
            if (!connection.isGranted()) {
                throw new AssertionError("no room");
            }
            return connection;
        }

        /** Opens a connection and lays it into the pool. */
        Connection openIdle(Scene scene, Ask ask) {
            Lease lease = scene.held(ask);
            Connection connection = open(scene, lease);
            layDown(connection, lease);
            return connection;
        }

        void layDown(Connection connection, Lease lease) {
            pool.add(connection);
            connection.idle(lease);
            lease.release();
        }

        @Override
        public boolean evict(Object handle) {
            if (!pool.remove(handle)) {
                return false;
            }
            evicted.add(handle);
            if (closesAtOnce) {
                ((Connection) handle).closed();
            }
            return true;
        }

        @Override
        public boolean finish(Object handle) {
            finished.add(handle);
            return true;
        }
    }
}
