package io.sluice.instrumentation.jettyclient;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.AbstractQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.eclipse.jetty.client.HttpClient;
import org.jspecify.annotations.Nullable;

/**
 * The queue of one destination, around the client's own, which keeps order and capacity. An exchange joins it by asking for
 * a lease, and can be taken out once it has one; so whoever waits is where the client looks for it when it gives up, by
 * abort, total timeout, or the end of the client.
 *
 * <p>Iterating shows every exchange; {@link #size}, {@link #isEmpty} and {@link #poll} know only of those that are ready
 * for a connection, as it is by them that the client decides whether to open one.
 *
 * <p>Locks: {@code this} guards the state of the exchanges; neither the client nor the limiter is called with it held.
 * Thread-safe; nothing blocks.
 */
final class ExchangeQueue extends AbstractQueue<Object> {
    /** By the client's exchange, from the queue to its end. */
    private static final WeakMap<Object, QueuedExchange> EXCHANGES = new WeakMap<>();

    private final Object destination;
    private final Queue<Object> all;
    private final ArrayDeque<Object> ready = new ArrayDeque<>();
    private final List<ConnectionUse> connections = new ArrayList<>(2);
    final Openings openings;
    /** The last connection that could carry several exchanges at once. */
    private volatile @Nullable ConnectionUse shared;

    ExchangeQueue(Object destination, Queue<Object> all) {
        this.destination = destination;
        this.all = all;
        this.openings = new Openings(this);
    }

    Object destination() {
        return destination;
    }

    static @Nullable QueuedExchange find(Object exchange) {
        return EXCHANGES.get(exchange);
    }

    static @Nullable QueuedExchange forget(Object exchange) {
        return EXCHANGES.remove(exchange);
    }

    /** Asks for a lease on behalf of an exchange of this destination; null: go on without one. */
    @Nullable
    Lease ask() {
        return Asks.ask(destination, this);
    }

    // ---- Joining ------------------------------------------------------------------------------------------------

    @Override
    public boolean offer(Object exchange) {
        QueuedExchange queued = EXCHANGES.get(exchange);
        if (queued == null || !again(queued)) {
            queued = new QueuedExchange();
            EXCHANGES.put(exchange, queued);
        }
        if (!all.offer(exchange)) {
            EXCHANGES.remove(exchange);
            giveUp(queued, Wait.Outcome.CANCELLED);
            return false;
        }
        if (queued.lease != null) {
            isReady(exchange, queued);
        } else {
            join(exchange, queued);
        }
        if (openings.someAreHeld()) {
            goOn(); // the client may count on them, and not open another
        }
        return true;
    }

    /** The client could not send it on the connection that it had chosen: it keeps its lease. */
    private boolean again(QueuedExchange queued) {
        ConnectionUse use = queued.use;
        synchronized (this) {
            if (queued.state != QueuedExchange.State.TAKEN) {
                return false;
            }
            queued.state = QueuedExchange.State.WAITING;
            queued.associated = false;
            queued.use = null;
        }
        if (use != null) {
            use.leave(queued, queued.lease);
        }
        Lease lease = queued.lease;
        if (lease != null && !lease.isHeld()) {
            queued.lease = null; // it ended with the connection
        }
        return true;
    }

    private void join(Object exchange, QueuedExchange queued) {
        Lease lease = isShared() ? null : ask();
        if (lease == null) {
            isReady(exchange, queued);
            return;
        }
        boolean isOver;
        synchronized (this) {
            queued.lease = lease;
            isOver = queued.state == QueuedExchange.State.OVER;
        }
        if (isOver) {
            lease.release(); // aborted between joining and asking
            return;
        }
        LeaseWait wait = new LeaseWait(this, exchange, queued, lease);
        if (lease.isHeld()) {
            isReady(exchange, queued); // the client is about to look into the queue
        } else if (!wait.begin()) {
            wait.run();
        } else if (isShared()) {
            letGoAlong(); // the connection has come since this exchange looked for one
            goOn();
        }
    }

    /** Whether there is a connection that carries exchanges now and can carry more. */
    boolean isShared() {
        ConnectionUse connection = shared;
        return connection != null && connection.isActive();
    }

    /** The exchange has its lease, or needs none; false if it does not wait any more. */
    boolean isReady(Object exchange, QueuedExchange queued) {
        synchronized (this) {
            if (queued.state != QueuedExchange.State.WAITING) {
                return false;
            }
            queued.state = QueuedExchange.State.READY;
            ready.add(exchange);
            return true;
        }
    }

    /** Whether an exchange still waits for its lease. */
    boolean waits(QueuedExchange queued) {
        synchronized (this) {
            return queued.state == QueuedExchange.State.WAITING;
        }
    }

    /** Those that wait go as further streams of a connection that is there now. */
    private void letGoAlong() {
        for (Object exchange : new ArrayList<>(all)) {
            QueuedExchange queued = EXCHANGES.get(exchange);
            Lease lease = queued == null ? null : queued.lease;
            if (queued != null && lease != null && lease.isPending() && lease.abandon(Wait.Outcome.GRANTED)) {
                queued.lease = null;
                isReady(exchange, queued);
            }
        }
    }

    // ---- Leaving ------------------------------------------------------------------------------------------------

    @Override
    public @Nullable Object poll() {
        Passage passage = Passage.current();
        ConnectionUse use = passage == null ? null : JettyHooks.use(passage.connection);
        Object exchange;
        QueuedExchange queued;
        synchronized (this) {
            exchange = ready.peek();
            queued = EXCHANGES.get(exchange);
            if (exchange == null || queued == null) {
                return null;
            }
            if (use != null
                    && passage != null
                    && use.multiplexed
                    && !JettyTypes.hasStream(passage.connection, use.exchanges())) {
                return null; // the next stream to end sends it
            }
            if (use != null && passage != null && !use.enter(queued)) {
                passage.refusedBy = this; // about to be closed: the client puts it back
                return null;
            }
            ready.remove();
            queued.state = QueuedExchange.State.TAKEN;
        }
        all.remove(exchange);
        openings.served(queued);
        if (passage != null) {
            passage.taken = queued;
        }
        Lease lease = queued.lease;
        if (use == null || JettyTypes.isAborted(exchange)) {
            // A connection that nobody counts, or an exchange that the client is about to drop.
            if (use != null) {
                use.end(queued);
            }
            ConnectionGate.release(lease);
            return exchange;
        }
        use.begin(queued, lease);
        if (use.multiplexed) {
            shared = use;
            letGoAlong();
        }
        return exchange;
    }

    @Override
    public boolean remove(@Nullable Object exchange) {
        if (exchange == null || !all.remove(exchange)) {
            return false;
        }
        QueuedExchange queued;
        synchronized (this) {
            ready.remove(exchange);
            queued = EXCHANGES.remove(exchange);
        }
        if (queued != null) {
            giveUp(queued, Wait.Outcome.CANCELLED);
        }
        return true;
    }

    private void giveUp(QueuedExchange queued, Wait.Outcome why) {
        Lease lease;
        synchronized (this) {
            queued.state = QueuedExchange.State.OVER;
            lease = queued.lease;
        }
        if (lease != null && !lease.abandon(why)) {
            lease.release();
        }
    }

    @Override
    public @Nullable Object peek() {
        synchronized (this) {
            return ready.peek();
        }
    }

    @Override
    public int size() {
        synchronized (this) {
            return ready.size();
        }
    }

    @Override
    public boolean contains(@Nullable Object exchange) {
        return all.contains(exchange);
    }

    @Override
    public Iterator<Object> iterator() {
        return all.iterator();
    }

    /** Whether nobody is in the queue, with or without a lease. */
    boolean isDeserted() {
        return all.isEmpty();
    }

    /** With {@code this} held: those that are ready, first things first. */
    List<QueuedExchange> readyOnes() {
        List<QueuedExchange> ones = new ArrayList<>(ready.size());
        for (Object exchange : ready) {
            QueuedExchange queued = EXCHANGES.get(exchange);
            if (queued != null) {
                ones.add(queued);
            }
        }
        return ones;
    }

    /** A connection of this destination's pool is open. */
    void opened(ConnectionUse connection) {
        synchronized (this) {
            freeConnections(); // forgets those that are closed
            connections.add(connection);
        }
    }

    /** With {@code this} held: how many connections of the pool are there for an exchange. */
    int freeConnections() {
        int free = 0;
        for (Iterator<ConnectionUse> each = connections.iterator(); each.hasNext(); ) {
            ConnectionUse connection = each.next();
            if (connection.counted.isClosed()) {
                each.remove();
            } else if (connection.isFree()) {
                free++;
            }
        }
        return free;
    }

    // ---- The client's threads -----------------------------------------------------------------------------------

    /** Runs a task that calls the client on a thread of the client, here where it has none any more. */
    void execute(Runnable task) {
        HttpClient client = JettyTypes.client(destination);
        Executor executor = client == null ? null : client.getExecutor();
        if (executor != null) {
            try {
                executor.execute(task);
                return;
            } catch (RejectedExecutionException stopped) {
                // Then here.
            }
        }
        task.run();
    }

    /** Lets the client send what is ready, and opens what is missing for the rest. */
    private static final class GoOn implements Runnable {
        private final ExchangeQueue queue;

        GoOn(ExchangeQueue queue) {
            this.queue = queue;
        }

        @Override
        public void run() {
            try {
                JettyTypes.send(queue.destination);
                queue.openings.lend();
            } catch (Throwable fault) {
                FailOpen.report(fault);
            }
        }
    }

    void goOn() {
        execute(new GoOn(this));
    }
}
