package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Clock;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import java.lang.ref.WeakReference;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HousekeeperTest {
    private static final Ask ASK = Ask.direct("test", Destination.server("http", "kept.example.com", 80));
    private static final long NEVER = TimeUnit.HOURS.toMillis(1);

    private final Recorder recorder = new Recorder();
    private final ScheduledThreadPoolExecutor executor = Background.start(50);

    @AfterEach
    void stop() {
        executor.shutdownNow();
    }

    private LimiterTable table(Housekeeper keeper) {
        Limits limits = Limits.builder().maxConnectionsPerServer(1).build();
        LimiterTable table = new LimiterTable(limits, recorder, recorder, executor, Clock.SYSTEM, keeper);
        keeper.lookAfter(table);
        return table;
    }

    @Test
    void unreadResponsesAreFinishedWhileSomebodyWaitsAndThenItIsQuiet() {
        LimiterTable table = table(new Housekeeper(executor, 1, NEVER));
        AtomicInteger finished = new AtomicInteger();
        Lease held = table.ask(ASK);
        ConnectionOwner owner = new ConnectionOwner() {
            @Override
            public boolean evict(Object handle) {
                return false;
            }

            @Override
            public boolean finish(Object handle) {
                finished.incrementAndGet();
                held.release();
                return true;
            }
        };
        Connection connection = table.open(held, false);
        connection.ownedBy(new WeakReference<>(owner), connection);
        Lease waiter = table.ask(ASK);
        assertThat(waiter.await(0)).isTrue();
        assertThat(finished).hasValue(1);
        Until.holds(() -> !recorder.waits.isEmpty()); // who is not parked yet sees the grant before it is told of
        assertThat(recorder.waits.get(0).durationNanos()).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(200));
        Until.holds(() -> executor.getQueue().size() == 1); // what forgets, in an hour
        assertThat(table.ask(ASK).await(1))
                .as("a later wait is looked after again")
                .isFalse();
        assertThat(recorder.faults).isEmpty();
    }

    @Test
    void unusedDestinationsAreForgottenAndThenNothingIsLeftToDo() {
        LimiterTable table = table(new Housekeeper(executor, NEVER, 1));
        for (int round = 0; round < 3; round++) {
            Lease lease = table.ask(ASK);
            assertThat(table.isEmpty()).isFalse();
            lease.release();
            Until.holds(table::isEmpty);
        }
    }

    @Test
    void noThreadStaysOnceNothingIsKnown() {
        LimiterTable table = table(new Housekeeper(executor, 1, 1));
        table.ask(ASK).release();
        Until.holds(() -> table.isEmpty() && executor.getQueue().isEmpty() && executor.getPoolSize() == 0);
        long before = executor.getTaskCount();
        table.ask(ASK).release();
        // Not its threads and queue: by now it may be quiet again.
        assertThat(executor.getTaskCount()).isGreaterThan(before);
    }

    @Test
    void whereTheExecutorFailsTheNextWhoNeedsItTriesAgain() {
        ScheduledThreadPoolExecutor dead = Background.start(1);
        dead.shutdownNow();
        Housekeeper keeper = new Housekeeper(dead, 1, 1);
        table(keeper);
        assertThatThrownBy(keeper::run).isInstanceOf(RuntimeException.class);
        assertThatThrownBy(keeper::run).as("it has tried again").isInstanceOf(RuntimeException.class);
    }
}
