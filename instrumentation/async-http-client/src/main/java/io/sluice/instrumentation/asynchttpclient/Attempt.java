package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.Channel;
import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Wait;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.asynchttpclient.netty.request.NettyRequestSender;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of an exchange to get a connection; redirects, retries and challenges have attempts of their own where they
 * need another connection. Thread-safe; nothing blocks.
 */
final class Attempt {
    /** What the client needs to go on with an exchange. */
    static final class Exchange {
        final NettyRequestSender sender;
        final ChannelManager manager;
        final Request request;
        final NettyResponseFuture<?> future;

        Exchange(NettyRequestSender sender, ChannelManager manager, Request request, NettyResponseFuture<?> future) {
            this.sender = sender;
            this.manager = manager;
            this.request = request;
            this.future = future;
        }
    }

    private final @Nullable Lease lease;
    /** The HTTP/2 connection that it has joined. */
    private @Nullable Link joined;

    private @Nullable Exchange exchange;
    private @Nullable Connection opening;
    private @Nullable Future<?> timer;
    /** The client has been told to connect: only the outcome of that gives the room back. */
    private boolean connects;

    private boolean over;

    private Attempt(@Nullable Lease lease, @Nullable Link joined) {
        this.lease = lease;
        this.joined = joined;
    }

    static Attempt with(Lease lease) {
        return new Attempt(lease, null);
    }

    static Attempt on(Link joined) {
        return new Attempt(null, joined);
    }

    /** Whether the client may look into its pool for it now. */
    synchronized boolean mayPoll() {
        return opening == null && (joined != null || (lease != null && lease.isHeld()));
    }

    @Nullable
    Lease lease() {
        return lease;
    }

    /** Uses a channel of the client's pool. Returns false if it must not be used: it is being closed for somebody else. */
    boolean use(Channel channel) {
        Link link = Link.of(channel);
        Link before;
        synchronized (this) {
            before = joined;
            joined = null;
        }
        if (before != null) {
            if (before == link) {
                synchronized (this) {
                    joined = link;
                }
                return true;
            }
            before.leave();
        }
        if (link == null || lease == null) {
            ConnectionGate.release(lease);
        } else if (link.isHttp2()) {
            if (!link.enter(lease)) {
                return false;
            }
            synchronized (this) {
                joined = link;
            }
        } else if (!link.connection.use(lease)) {
            ConnectionGate.release(lease); // closed meanwhile, as the client will find
        }
        return true;
    }

    /** The client has no connection for it. Returns false if that is no longer an attempt with a lease. */
    boolean needsChannel() {
        Link before;
        synchronized (this) {
            before = joined;
            joined = null;
        }
        if (before != null) {
            before.leave();
        }
        return lease != null && (lease.isPending() || lease.isHeld() || lease.outcome() != Wait.Outcome.GRANTED);
    }

    /**
     * Takes what a new connection needs.
     *
     * @return true: go on; false: the exchange is begun again later, or has been told why not
     */
    boolean prepare(Exchange newExchange, long clientMaxNanos) {
        Lease asked = lease;
        if (asked == null) {
            return true;
        }
        synchronized (this) {
            if (exchange == null) {
                exchange = newExchange;
                newExchange.future.addListener(this::completed, null);
            }
        }
        if (asked.isPending() && waits(asked, newExchange.manager, clientMaxNanos)) {
            return false;
        }
        if (!asked.isHeld()) {
            refuse(newExchange, asked);
            return false;
        }
        if (opening() != null) {
            return true; // begun again, with the room
        }
        // Room may come between asking for it and seeing that it is not there yet: only one of the two goes on.
        AtomicBoolean goesOn = new AtomicBoolean();
        Connection room = ConnectionGate.openLater(asked, true, () -> {
            if (goesOn.getAndSet(true)) {
                goOn();
            }
        });
        if (room == null) {
            ConnectionGate.release(asked);
            return true;
        }
        boolean isLate;
        synchronized (this) {
            opening = room;
            isLate = over;
        }
        if (isLate) {
            room.closed();
        }
        return !room.isPending() || goesOn.getAndSet(true);
    }

    private boolean waits(Lease asked, ChannelManager manager, long clientMaxNanos) {
        Waiters.add(manager, this);
        long maxNanos = ConnectionGate.maxWaitNanos(clientMaxNanos);
        if (maxNanos > 0) {
            synchronized (this) {
                timer = Background.executor()
                        .schedule(() -> asked.abandon(Wait.Outcome.TIMEOUT), maxNanos, TimeUnit.NANOSECONDS);
            }
        }
        if (!asked.whenSettled(this::goOn)) {
            waitsNoMore();
            return false;
        }
        if (!manager.isOpen()) {
            asked.abandon(Wait.Outcome.CANCELLED); // whoever closed it may have looked too early
        }
        return true;
    }

    private void waitsNoMore() {
        Future<?> running;
        Exchange waited;
        synchronized (this) {
            running = timer;
            waited = exchange;
        }
        if (running != null) {
            running.cancel(false);
        }
        if (waited != null) {
            Waiters.remove(waited.manager, this);
        }
    }

    /** The wait is over: begins again, where the client's own code runs. */
    private void goOn() {
        waitsNoMore();
        Exchange waiting;
        synchronized (this) {
            waiting = exchange;
        }
        if (waiting == null) {
            return;
        }
        try {
            waiting.manager.getEventLoopGroup().next().execute(this::beginAgain);
        } catch (RejectedExecutionException closed) {
            beginAgain();
        }
    }

    private void beginAgain() {
        Exchange waiting;
        synchronized (this) {
            waiting = exchange;
        }
        if (waiting == null || waiting.future.isDone() || lease == null) {
            return;
        }
        if (!lease.isHeld() && lease.outcome() != Wait.Outcome.CANCELLED && lease.outcome() != Wait.Outcome.GRANTED) {
            refuse(waiting, lease);
            return;
        }
        try {
            AhcHooks.carry(this);
            // The client takes a request of CONNECT for proof that there is a tunnel, and there is none yet.
            waiting.future.setNettyRequest(null);
            waiting.sender.sendNextRequest(waiting.request, waiting.future);
        } catch (RuntimeException | Error thrown) {
            waiting.sender.abort(null, waiting.future, thrown);
        } finally {
            AhcHooks.drop(this);
        }
    }

    private static void refuse(Exchange refused, Lease lease) {
        refused.sender.abort(null, refused.future, new TimeoutException(lease.refusal()));
    }

    /** Whether it waits for this connection of HTTP/2, among others; then it goes as a stream of it. */
    boolean sendAlong(Object key, Link link) {
        Exchange waiting;
        synchronized (this) {
            waiting = exchange;
        }
        if (waiting == null || lease == null || !key.equals(waiting.future.getPartitionKey()) || !link.join()) {
            return false;
        }
        synchronized (this) {
            joined = link;
        }
        if (!lease.abandon(Wait.Outcome.GRANTED)) {
            synchronized (this) {
                joined = null;
            }
            link.leave();
            return false;
        }
        return true;
    }

    /** Gives the wait up: its client is closed. */
    void clientClosed() {
        if (lease != null) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
    }

    private synchronized @Nullable Connection opening() {
        return opening;
    }

    /** The client is about to connect. Returns false if the exchange has ended, and with it the room. */
    boolean connects() {
        Connection room;
        Exchange connecting;
        synchronized (this) {
            if (over && !connects) {
                return false;
            }
            connects = true;
            room = opening;
            connecting = exchange;
        }
        if (room != null
                && connecting != null
                && connecting.manager.getEventLoopGroup().isShuttingDown()) {
            room.closed(); // the client finds nobody to connect, and tells nobody
        }
        return true;
    }

    /** The client has connected. */
    void connected(ChannelManager manager, Channel channel) {
        Connection room = opening();
        if (room != null) {
            Link.tie(room, manager, channel, this);
        }
    }

    /** The connection that this attempt opened speaks HTTP/2. */
    void opened(Link link) {
        boolean isLate;
        synchronized (this) {
            isLate = over;
            joined = link;
        }
        if (isLate) {
            left();
        }
    }

    /** The client could not connect, or not shake hands. */
    void failed(@Nullable Channel channel) {
        Connection room = opening();
        if (room != null && Link.of(channel) == null) {
            room.closed();
        }
    }

    /** The exchange is over, well or not. */
    private void completed() {
        Connection room;
        boolean isHeldByClient;
        synchronized (this) {
            over = true;
            room = opening;
            isHeldByClient = connects;
        }
        if (lease != null && lease.abandon(Wait.Outcome.CANCELLED)) {
            waitsNoMore();
        }
        if (room == null) {
            releaseUnused();
        } else if (!isHeldByClient) {
            room.closed();
        }
        left();
    }

    /** A lease that no connection has. */
    private void releaseUnused() {
        if (lease != null && lease.isHeld() && lease.connection() == null) {
            ConnectionGate.release(lease);
        }
    }

    private void left() {
        Link link;
        synchronized (this) {
            link = joined;
            joined = null;
        }
        if (link != null) {
            link.leave();
        }
    }

    /** It went nowhere: the client failed before it could use what it has. */
    void droppedUnused() {
        left();
        Connection room = opening();
        if (room != null) {
            room.closed();
        }
        if (lease != null && !lease.abandon(Wait.Outcome.CANCELLED)) {
            releaseUnused();
        }
    }

    /** On an HTTP/2 connection it stays until the exchange has ended; a joined one has nobody else to tell it. */
    void endsWith(NettyResponseFuture<?> future) {
        synchronized (this) {
            if (exchange != null || joined == null) {
                return;
            }
        }
        try {
            future.addListener(this::left, null);
        } catch (RuntimeException fault) {
            FailOpen.report(fault);
            left();
        }
    }
}
