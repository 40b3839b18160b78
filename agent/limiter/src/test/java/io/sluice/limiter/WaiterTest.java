package io.sluice.limiter;

import static io.sluice.limiter.Scene.OTHER;
import static io.sluice.limiter.Scene.PROXY;
import static io.sluice.limiter.Scene.SERVER;
import static io.sluice.limiter.Scene.limit;
import static io.sluice.limiter.Scene.start;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Wait.Outcome;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting and giving up: parked threads, callbacks, and what is told of a wait. */
@Timeout(20)
class WaiterTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Scene scene = new Scene();
    private final LimiterTable table = scene.table;

    @Test
    void grantUnparksTheWaitingThread() {
        Lease held = scene.held();
        scene.held();
        Lease waiter = scene.ask();
        AtomicBoolean granted = new AtomicBoolean();
        Thread thread = start(() -> granted.set(waiter.await(0)));
        Scene.untilParked(thread);
        held.release();
        Scene.join(thread);
        assertThat(granted).isTrue();
        assertThat(waiter.isHeld()).isTrue();
    }

    @Test
    void timeoutTellsHowLongForWhatAndTheFigures() {
        scene.held();
        scene.held();
        Lease[] waiters = {scene.ask(), scene.ask(), scene.ask(), scene.ask()};
        Thread thread = start(() -> waiters[1].await(2 * SECOND));
        Scene.untilParked(thread);
        scene.passMillis(2003);
        java.util.concurrent.locks.LockSupport.unpark(thread);
        Scene.join(thread);
        assertThat(waiters[1].outcome()).isEqualTo(Outcome.TIMEOUT);
        assertThat(waiters[1].isGranted()).isFalse();
        assertThat(waiters[1].refusal())
                .isEqualTo("timed out after 2003 ms waiting for http://api.example.com:80 "
                        + "(limit=2, leased=2, idle=0, pending=4)");
        assertThat(scene.now().pending()).isEqualTo(3);
    }

    @Test
    void timeoutOfARealClockEndsTheWait() {
        List<Wait> waits = new ArrayList<>();
        LimiterTable real = new LimiterTable(
                Limits.defaults(), listener(waits), scene.reporter(), Runnable::run, Clock.SYSTEM, () -> {});
        real.ask(Scene.DIRECT);
        real.ask(Scene.DIRECT);
        Lease waiter = real.ask(Scene.DIRECT);
        assertThat(waiter.await(TimeUnit.MILLISECONDS.toNanos(20))).isFalse();
        assertThat(waiter.outcome()).isEqualTo(Outcome.TIMEOUT);
        assertThat(waits).hasSize(1);
        assertThat(waits.get(0).durationNanos()).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    }

    private static WaitListener listener(List<Wait> waits) {
        return new WaitListener() {
            @Override
            public Object captureContext() {
                return "context";
            }

            @Override
            public void ended(Wait wait) {
                waits.add(wait);
            }
        };
    }

    @Test
    void interruptEndsTheWaitAndStaysVisible() {
        scene.held();
        scene.held();
        Lease waiter = scene.ask();
        AtomicBoolean visible = new AtomicBoolean();
        Thread thread = start(
                () -> visible.set(!waiter.await(0) && Thread.currentThread().isInterrupted()));
        Scene.untilParked(thread);
        scene.passMillis(7);
        thread.interrupt();
        Scene.join(thread);
        assertThat(visible).isTrue();
        assertThat(waiter.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(waiter.refusal())
                .isEqualTo("interrupted after 7 ms waiting for http://api.example.com:80 "
                        + "(limit=2, leased=2, idle=0, pending=1)");
        assertThat(scene.now().pending()).isZero();
    }

    @Test
    void interruptBeforehandMattersOnlyToWhoMustWait() {
        Thread.currentThread().interrupt();
        try {
            assertThat(scene.ask().await(0)).isTrue();
            assertThat(scene.ask().await(0)).isTrue();
            assertThat(scene.ask().await(0)).isFalse();
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void interruptIsKeptForAfterAnUninterruptibleWait() {
        Lease held = scene.held();
        scene.held();
        Lease waiter = scene.ask();
        AtomicBoolean visible = new AtomicBoolean();
        Thread thread = start(() -> visible.set(
                waiter.awaitUninterruptibly(0) && Thread.currentThread().isInterrupted()));
        Scene.untilParked(thread);
        thread.interrupt();
        Scene.until(() -> !thread.isInterrupted());
        Scene.untilParked(thread);
        assertThat(waiter.isPending()).isTrue();
        held.release();
        Scene.join(thread);
        assertThat(visible).isTrue();
    }

    @Test
    void cancelFromAnotherThreadWakesTheWaiter() {
        scene.held();
        scene.held();
        Lease waiter = scene.ask();
        AtomicBoolean granted = new AtomicBoolean(true);
        Thread thread = start(() -> granted.set(waiter.await(0)));
        Scene.untilParked(thread);
        scene.passMillis(1);
        assertThat(waiter.abandon(Outcome.CANCELLED)).isTrue();
        Scene.join(thread);
        assertThat(granted).isFalse();
        assertThat(waiter.refusal())
                .isEqualTo("cancelled after 1 ms waiting for http://api.example.com:80 "
                        + "(limit=2, leased=2, idle=0, pending=1)");
    }

    @Test
    void callbackRunsOnceInTheBackground() {
        Lease held = scene.held();
        scene.held();
        Lease waiter = scene.ask();
        AtomicInteger runs = new AtomicInteger();
        assertThat(waiter.whenSettled(runs::incrementAndGet)).isTrue();
        held.release();
        assertThat(runs).as("never on the thread that hands over").hasValue(0);
        scene.runBackground();
        assertThat(runs).hasValue(1);
        assertThat(waiter.isHeld()).isTrue();
        assertThat(waiter.whenSettled(runs::incrementAndGet)).isFalse();
    }

    @Test
    void callbackRunsAfterARefusalToo() {
        scene.held();
        scene.held();
        Lease waiter = scene.ask();
        AtomicInteger runs = new AtomicInteger();
        waiter.whenSettled(runs::incrementAndGet);
        waiter.abandon(Outcome.TIMEOUT);
        scene.runBackground();
        assertThat(runs).hasValue(1);
        assertThat(waiter.isGranted()).isFalse();
    }

    @Test
    void callbackThatThrowsIsReported() {
        Lease held = scene.held();
        scene.held();
        IllegalStateException thrown = new IllegalStateException();
        scene.ask().whenSettled(() -> {
            throw thrown;
        });
        held.release();
        scene.runBackground();
        assertThat(scene.faults).containsExactly(thrown);
    }

    @Test
    void callbackRunsOnceThoughTheExecutorFailsAndKeepsIt() {
        List<Runnable> kept = new ArrayList<>();
        Scene failing = new Scene(limit(1).build(), task -> {
            kept.add(task);
            throw new OutOfMemoryError("unable to create native thread");
        });
        Lease held = failing.held();
        Lease waiter = failing.ask();
        Lease next = failing.ask();
        AtomicInteger runs = new AtomicInteger();
        waiter.whenSettled(runs::incrementAndGet);
        held.release();
        assertThat(runs).as("better here than never").hasValue(1);
        kept.forEach(Runnable::run);
        assertThat(runs).hasValue(1);
        assertThat(failing.faults).hasSize(1);
        waiter.release();
        assertThat(next.isHeld()).isTrue();
    }

    @Test
    void rejectingExecutorHarmsNobody() {
        Scene failing = new Scene(limit(2).build(), task -> {
            throw new RejectedExecutionException();
        });
        Scene.Client client = new Scene.Client();
        client.openIdle(failing, Scene.DIRECT);
        client.openIdle(failing, Scene.DIRECT);
        AtomicInteger runs = new AtomicInteger();
        Connection connection = failing.table.open(failing.held(), false);
        assertThat(connection.whenSettled(runs::incrementAndGet)).isTrue();
        connection.makeRoomInBackground();
        assertThat(connection.isGranted()).isTrue();
        assertThat(runs).hasValue(1);
    }

    @Test
    void oneWaitIsToldForEveryStayInAQueueAndNoneForOthers() {
        table.limits(limit(1).maxConnectionsPerProxy(1).build());
        Ask ask = Ask.tunnelled("some-client", SERVER, PROXY).withTraceparent("00-ab-cd-01");
        Lease server = scene.held();
        Lease proxy = scene.held(Ask.tunnelled("test", OTHER, PROXY));
        assertThat(scene.waits).isEmpty();
        assertThat(scene.captured).as("nobody has waited").hasValue(0);

        scene.passMillis(100);
        Lease waiter = table.ask(ask);
        scene.passMillis(10);
        server.release();
        scene.passMillis(20);
        proxy.release();
        assertThat(waiter.isHeld()).isTrue();

        assertThat(scene.waits).extracting(Wait::waitedFor).containsExactly(SERVER, PROXY);
        assertThat(scene.waits).extracting(Wait::limitKind).containsExactly("server", "proxy");
        assertThat(scene.waits).extracting(Wait::durationNanos).containsExactly(10_000_000L, 20_000_000L);
        assertThat(scene.waits).extracting(Wait::startEpochNanos).containsExactly(1_100_000_000L, 1_110_000_000L);
        for (Wait wait : scene.waits) {
            assertThat(wait.server()).isEqualTo(SERVER);
            assertThat(wait.proxy()).isEqualTo(PROXY);
            assertThat(wait.client()).isEqualTo("some-client");
            assertThat(wait.traceparent()).isEqualTo("00-ab-cd-01");
            assertThat(wait.context()).isEqualTo(1);
            assertThat(wait.outcome()).isEqualTo(Outcome.GRANTED);
            assertThat(wait.outcome().errorType()).isNull();
            assertThat(wait.limit()).isEqualTo(1);
            assertThat(wait.pending()).isZero();
        }
    }

    @Test
    void waitTellsHowManyStoodThereOnArrival() {
        Lease first = scene.held();
        scene.held();
        List<Lease> waiters = Arrays.asList(scene.ask(), scene.ask(), scene.ask());
        first.release();
        waiters.get(0).release();
        waiters.get(1).release();
        assertThat(scene.waits).extracting(Wait::pending).containsExactly(0, 1, 2);
        assertThat(scene.waits).extracting(Wait::limit).containsExactly(2, 2, 2);
    }

    @Test
    void theProgramsContextIsNotKeptOnceTheWaitIsOver() {
        List<WeakReference<Object>> contexts = new ArrayList<>();
        WaitListener listener = new WaitListener() {
            @Override
            public Object captureContext() {
                Object context = new byte[1000];
                contexts.add(new WeakReference<>(context));
                return context;
            }

            @Override
            public void ended(Wait wait) {}
        };
        LimiterTable real =
                new LimiterTable(limit(1).build(), listener, scene.reporter(), Runnable::run, Clock.SYSTEM, () -> {});
        Lease held = real.ask(Scene.DIRECT);
        Lease granted = real.ask(Scene.DIRECT);
        Lease refused = real.ask(Scene.DIRECT);
        held.release();
        refused.abandon(Outcome.TIMEOUT);
        assertThat(contexts).hasSize(2);
        Scene.until(() -> {
            System.gc();
            return contexts.stream().allMatch(context -> context.get() == null);
        });
        assertThat(granted.isHeld()).isTrue();
        assertThat(refused.isGranted()).isFalse();
    }

    @Test
    void listenerThatThrowsHarmsNobody() {
        WaitListener throwing = new WaitListener() {
            @Override
            public Object captureContext() {
                throw new IllegalStateException("capture");
            }

            @Override
            public void ended(Wait wait) {
                throw new IllegalStateException("ended");
            }
        };
        Reporter throwingToo = new Reporter() {
            @Override
            public void warn(String message) {
                throw new IllegalStateException();
            }

            @Override
            public void fault(Throwable fault) {
                scene.faults.add(fault);
                throw new IllegalStateException();
            }
        };
        LimiterTable faulty =
                new LimiterTable(limit(1).build(), throwing, throwingToo, Runnable::run, Clock.SYSTEM, () -> {
                    throw new IllegalStateException("care");
                });
        Lease held = faulty.ask(Scene.DIRECT);
        Lease first = faulty.ask(Scene.DIRECT);
        Lease second = faulty.ask(Scene.DIRECT);
        held.release();
        assertThat(first.isHeld()).isTrue();
        first.release();
        assertThat(second.isHeld()).isTrue();
        assertThat(scene.faults).extracting(Throwable::getMessage).contains("capture", "ended", "care");
    }

    @Test
    void leaseWhoseAskingFailsIsNotLost() {
        AtomicBoolean broken = new AtomicBoolean();
        Clock clock = new Clock() {
            @Override
            public long nanoTime() {
                if (broken.get()) {
                    throw new StackOverflowError();
                }
                return 1;
            }

            @Override
            public long epochMillis() {
                return 1;
            }
        };
        LimiterTable faulty = new LimiterTable(
                limit(1).maxConnectionsPerProxy(1).build(),
                listener(new ArrayList<>()),
                scene.reporter(),
                Runnable::run,
                clock,
                () -> {});
        Lease held = faulty.ask(Ask.tunnelled("test", OTHER, PROXY));
        broken.set(true);
        try {
            faulty.ask(Ask.tunnelled("test", SERVER, PROXY));
        } catch (StackOverflowError expected) {
            // The gate goes on without a lease.
        }
        broken.set(false);
        held.release();
        assertThat(faulty.ask(Ask.tunnelled("test", SERVER, PROXY)).isHeld()).isTrue();
    }

    @Test
    void noLockOfOursIsHeldWhileOthersCodeRuns() {
        List<String> held = new ArrayList<>();
        List<Waiter> waiters = new ArrayList<>();
        Runnable check = () -> {
            for (Waiter waiter : waiters) {
                if (Thread.holdsLock(waiter)) {
                    held.add("the lock of " + waiter);
                }
            }
        };
        WaitListener listener = new WaitListener() {
            @Override
            public Object captureContext() {
                check.run();
                return null;
            }

            @Override
            public void ended(Wait wait) {
                check.run();
            }
        };
        LimiterTable checked = new LimiterTable(
                limit(1).build(),
                listener,
                scene.reporter(),
                task -> {
                    check.run();
                    task.run();
                },
                Clock.SYSTEM,
                check);
        Ask plain = Ask.proxied("test", SERVER, PROXY);
        Scene.Client client = new Scene.Client() {
            @Override
            public boolean evict(Object handle) {
                check.run();
                return super.evict(handle);
            }
        };
        Lease first = checked.ask(Scene.DIRECT);
        waiters.add(first);
        Connection connection = client.owns(checked.open(first, false));
        waiters.add(connection);
        Lease waiting = checked.ask(plain);
        waiters.add(waiting);
        waiting.whenSettled(check);
        client.layDown(connection, first);
        assertThat(waiting.isHeld()).as("the idle connection made room").isTrue();
        assertThat(held).isEmpty();
    }
}
