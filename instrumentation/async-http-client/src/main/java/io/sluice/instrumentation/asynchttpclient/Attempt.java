package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.Channel;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.lang.ref.WeakReference;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of an exchange to get a connection; redirects, retries and challenges have attempts of their own where they
 * need another connection. The exchange's future holds it. Thread-safe; nothing blocks.
 */
final class Attempt {
    /** For maps whose keys it may reach. */
    final WeakReference<Attempt> self = new WeakReference<>(this);

    private final @Nullable Lease lease;
    private final Share share;
    private final Clocks clocks = new Clocks();

    private @Nullable Exchange exchange;
    private @Nullable Connection opening;
    /** The client has been told to connect: only the outcome of that gives the room back. */
    private boolean connects;

    private boolean over;

    private Attempt(@Nullable Lease lease, @Nullable Link joined) {
        this.lease = lease;
        share = new Share(joined);
    }

    static Attempt with(Lease lease) {
        return new Attempt(lease, null);
    }

    static Attempt on(Link joined) {
        return new Attempt(null, joined);
    }

    /** Whether the client may look into its pool for it now. */
    synchronized boolean mayPoll() {
        return opening == null && (share.isTaken() || (lease != null && lease.isHeld()));
    }

    /** Whether it is begun again on behalf of this exchange. */
    synchronized boolean isOf(@Nullable Object future) {
        return future != null && exchange != null && exchange.future == future;
    }

    private synchronized @Nullable Exchange exchange() {
        return exchange;
    }

    private synchronized @Nullable Connection opening() {
        return opening;
    }

    /** Uses a channel of the client's pool. Returns false if it must not be used: it is being closed for somebody else. */
    boolean use(Channel channel) {
        Link link = Link.of(channel);
        if (share.isOn(link)) {
            ConnectionGate.release(lease); // granted at the same time
            return true;
        }
        share.leave();
        if (link == null) {
            ConnectionGate.release(lease);
        } else if (link.isHttp2()) {
            boolean isOnIt = lease != null && lease.isHeld() ? link.enter(lease) : link.join();
            if (isOnIt) {
                share.take(link);
            }
            return isOnIt;
        } else if (lease == null || !link.connection.use(lease)) {
            ConnectionGate.release(lease); // closed meanwhile, as the client will find
        }
        return true;
    }

    /** The client was about to connect and has found a connection of HTTP/2 after all, at a limit of its own. */
    void usesInstead(Channel channel) {
        Link link = Link.of(channel);
        Connection room;
        synchronized (this) {
            room = opening;
            if (room == null || connects || link == null || !link.isHttp2()) {
                return;
            }
            opening = null;
        }
        if (lease != null && (link.join() || link.enter(lease))) {
            share.take(link);
        }
        room.closed();
    }

    /** The client has no connection for it. Returns false if that is no longer an attempt with a lease. */
    boolean needsChannel() {
        share.leave();
        return lease != null && (lease.isPending() || lease.isHeld() || lease.outcome() != Wait.Outcome.GRANTED);
    }

    /**
     * Takes what a new connection needs.
     *
     * @return true: go on; false: the exchange is begun again later, or has been told why not
     */
    boolean prepare(Exchange newExchange) {
        Lease asked = lease;
        if (asked == null) {
            return true;
        }
        begin(newExchange);
        if (asked.isPending() && waits(asked, newExchange)) {
            return false;
        }
        if (!asked.isHeld()) {
            if (isRefused(asked)) {
                refuse(newExchange, asked);
            } else {
                goOn(); // a connection that it may share came just now, or its client was closed
            }
            return false;
        }
        if (opening() != null) {
            return true; // begun again, with the room
        }
        // Room may come between asking for it and seeing that it is not there yet: the second of the two goes on.
        AtomicBoolean isSecond = new AtomicBoolean();
        Connection room = ConnectionGate.openLater(asked, true, () -> {
            if (isSecond.getAndSet(true)) {
                goOn();
            }
        });
        if (room == null) {
            ConnectionGate.release(asked);
        }
        boolean isLate;
        synchronized (this) {
            opening = room;
            isLate = over;
        }
        if (isLate) {
            if (room != null) {
                room.closed();
            }
            return false;
        }
        if (room == null || !room.isPending() || isSecond.getAndSet(true)) {
            return true;
        }
        mayExpire(newExchange);
        return false;
    }

    /** From now on it ends with its exchange. */
    private void begin(Exchange newExchange) {
        synchronized (this) {
            if (exchange != null || over) {
                return;
            }
            exchange = newExchange;
        }
        Waiters.add(newExchange.manager, this);
        newExchange.future.addListener(this::completed, Runnable::run);
    }

    private boolean waits(Lease asked, Exchange waiting) {
        mayExpire(waiting);
        clocks.limitWait(() -> asked.abandon(Wait.Outcome.TIMEOUT), ConnectionGate.maxWaitNanos(0));
        if (!asked.whenSettled(this::goOn)) {
            clocks.waitIsOver();
            return false;
        }
        if (!waiting.manager.getChannelPool().isOpen()) {
            asked.abandon(Wait.Outcome.CANCELLED); // whoever closed it may have looked too early
        }
        Object key = waiting.future.getPartitionKey();
        Link shared = Http2.registered(waiting.manager, key);
        if (shared != null) {
            sendAlong(key, shared); // as may whoever opened that
        }
        return true;
    }

    /** The client's limit for the whole exchange counts the wait, for which the client itself has no clock running. */
    private void mayExpire(Exchange waiting) {
        clocks.limitExchange(this::expire, waiting.timeoutNanos());
    }

    private void expire() {
        Exchange late = exchange();
        if (late != null && lease != null && !lease.abandon(Wait.Outcome.TIMEOUT)) {
            late.run(late::expire);
        }
    }

    /** The wait is over: begins again, where the client's own code runs. */
    private void goOn() {
        clocks.waitIsOver();
        Exchange waiting = exchange();
        if (waiting != null) {
            waiting.run(this::beginAgain);
        }
    }

    private void beginAgain() {
        Exchange waiting = exchange();
        if (waiting == null || waiting.future.isDone() || lease == null) {
            return;
        }
        if (isRefused(lease)) {
            refuse(waiting, lease);
            return;
        }
        try {
            AhcHooks.carry(this);
            waiting.sendAgain();
        } catch (RuntimeException | Error thrown) {
            waiting.fail(thrown);
        } finally {
            AhcHooks.drop(this);
        }
    }

    private static boolean isRefused(Lease settled) {
        return !settled.isHeld()
                && settled.outcome() != Wait.Outcome.CANCELLED
                && settled.outcome() != Wait.Outcome.GRANTED;
    }

    private static void refuse(Exchange refused, Lease lease) {
        refused.fail(new TimeoutException(lease.refusal()));
    }

    /** If it waits for this connection of HTTP/2, among others, then it goes as a stream of it, even if granted just now. */
    void sendAlong(Object key, Link link) {
        Exchange waiting = exchange();
        if (waiting != null
                && lease != null
                && lease.isPending()
                && waiting.mayShare()
                && key.equals(waiting.future.getPartitionKey())
                && link.join()) {
            share.take(link);
            lease.abandon(Wait.Outcome.GRANTED);
        }
    }

    /** Gives the wait up: its client is closed. */
    void clientClosed() {
        if (lease != null) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }

    /** The client is about to connect. Returns false if the exchange has ended, and with it the room. */
    boolean connects() {
        Exchange connecting;
        synchronized (this) {
            if (over && !connects) {
                return false;
            }
            connects = true;
            connecting = exchange;
        }
        if (connecting != null && Versions.eventLoops(connecting.manager).isShuttingDown()) {
            Waiters.whenDead(connecting.manager); // the client may find nobody to connect, and tell nobody
        }
        return true;
    }

    /** The client has connected. */
    void connected(ChannelManager manager, Channel channel) {
        Waiters.remove(manager, this);
        Connection room = opening();
        if (room != null) {
            Link.tie(room, manager, channel, this);
        }
    }

    /** The connection that this attempt opened speaks HTTP/2. */
    void opened(Link link) {
        share.take(link);
    }

    /** The client could not connect, or not shake hands. */
    void failed(@Nullable Channel channel) {
        if (Link.of(channel) == null) {
            lost();
        }
    }

    /** There will be no connection. */
    void lost() {
        Connection room = opening();
        if (room != null) {
            room.closed();
        }
        Exchange ended = exchange();
        if (ended != null) {
            Waiters.remove(ended.manager, this);
        }
    }

    /** The exchange is over, well or not. */
    private void completed() {
        Exchange ended;
        Connection room;
        boolean isHeldByClient;
        synchronized (this) {
            over = true;
            ended = exchange;
            room = opening;
            isHeldByClient = connects;
        }
        if (lease != null && !lease.abandon(Wait.Outcome.CANCELLED) && room == null) {
            releaseUnused(lease);
        }
        if (ended != null && !isHeldByClient) {
            lost();
        }
        succeeded();
    }

    /** The exchange has no further need of what this attempt has: it is over, or begins another. */
    void succeeded() {
        share.end();
        clocks.stop();
    }

    /** The exchange goes on with the connection that it has, and the client begins to count anew. */
    void stopsClock() {
        clocks.stop();
    }

    /** A lease that no connection has. */
    private static void releaseUnused(Lease lease) {
        if (lease.isHeld() && lease.connection() == null) {
            ConnectionGate.release(lease);
        }
    }

    /** It went nowhere: the client failed before it could use what it has. */
    void droppedUnused() {
        share.leave();
        lost();
        if (lease != null && !lease.abandon(Wait.Outcome.CANCELLED)) {
            releaseUnused(lease);
        }
    }

    /** On an HTTP/2 connection it stays until the exchange has ended; a joined one has nobody else to tell it. */
    void endsWith(NettyResponseFuture<?> future) {
        synchronized (this) {
            if (exchange != null || !share.isTaken()) {
                return;
            }
        }
        try {
            future.addListener(this::completed, Runnable::run);
        } catch (RuntimeException fault) {
            FailOpen.report(fault);
            share.leave();
        }
    }
}
