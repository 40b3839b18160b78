package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.Channel;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Connection;
import io.sluice.limiter.ConnectionOwner;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.asynchttpclient.channel.ChannelPool;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.jspecify.annotations.Nullable;

/**
 * What we know of a channel: its connection, and how many exchanges an HTTP/2 connection carries. Thread-safe; nothing
 * blocks, and the lock is held only to count.
 */
final class Link {
    private static final WeakMap<Channel, Link> LINKS = new WeakMap<>();
    private static final Owner OWNER = new Owner();
    private static final WeakReference<Owner> OWNER_REFERENCE = new WeakReference<>(OWNER);

    final Connection connection;
    private final WeakReference<ChannelManager> manager;
    private final WeakReference<Channel> channel;
    /** The attempt that opened it. Weak, since it holds what holds the channel. */
    private final WeakReference<Attempt> opener;
    /** Where the client's pool has it, if it has. */
    private @Nullable Object poolKey;
    /** Several exchanges at once may use it. */
    private boolean http2;
    /** Exchanges on an HTTP/2 connection; -1 when it is to be closed, and nobody may join any more. */
    private int users;

    private Link(Connection connection, ChannelManager manager, Channel channel, Attempt opener) {
        this.connection = connection;
        this.manager = new WeakReference<>(manager);
        this.channel = new WeakReference<>(channel);
        this.opener = opener.self;
    }

    /** The channel is this connection from now on, until it is closed. */
    static Link tie(Connection connection, ChannelManager manager, Channel channel, Attempt opener) {
        Link link = new Link(connection, manager, channel, opener);
        LINKS.put(channel, link);
        connection.ownedBy(OWNER_REFERENCE, channel);
        channel.closeFuture().addListener(closed -> connection.closed());
        return link;
    }

    /** Of a channel that was opened while the agent looked; null otherwise. */
    static @Nullable Link of(@Nullable Channel channel) {
        return LINKS.get(channel);
    }

    /** The connection speaks HTTP/2, and nobody else knows of it yet; the exchange that opened it is the first on it. */
    void speaksHttp2() {
        synchronized (this) {
            http2 = true;
            users = 1;
        }
        Attempt first = opener.get();
        if (first == null) {
            leave();
        } else {
            first.opened(this);
        }
    }

    synchronized boolean isHttp2() {
        return http2;
    }

    /** The client's pool has it now, under this key. */
    void idle(Lease formerLease, Object key) {
        synchronized (this) {
            poolKey = key;
        }
        connection.idle(formerLease);
    }

    /** Adds an exchange without a lease, if there is one already: a further stream needs none. */
    synchronized boolean join() {
        if (users <= 0) {
            return false;
        }
        users++;
        return true;
    }

    /**
     * Adds an exchange with a lease. The first of them keeps it for all.
     *
     * @return false: the connection is about to be closed
     */
    boolean enter(Lease lease) {
        boolean needsLease;
        synchronized (this) {
            if (users < 0) {
                return false;
            }
            needsLease = users == 0;
            if (needsLease && !connection.use(lease)) {
                return false;
            }
            users++;
        }
        if (!needsLease) {
            ConnectionGate.release(lease);
        }
        return true;
    }

    /** Removes an exchange; with the last one the connection is idle. */
    void leave() {
        Lease over;
        synchronized (this) {
            if (users <= 0 || --users > 0) {
                return;
            }
            over = connection.lease();
            if (over != null) {
                connection.idle(over);
            }
        }
        ConnectionGate.release(over);
    }

    /** Nobody else may join. */
    private synchronized boolean retire() {
        if (users != 0) {
            return false;
        }
        users = -1;
        return true;
    }

    private boolean evict() {
        Channel closing = channel.get();
        ChannelManager keeper = manager.get();
        if (closing == null || keeper == null || !(isHttp2() ? retire() : take(keeper.getChannelPool(), closing))) {
            return false;
        }
        closing.close();
        return true;
    }

    /**
     * Takes it from the pool as an exchange would, which excludes all exchanges: one by one, and puts the others back. Two
     * evictions at once would not find what the other has in its hands, and take it for used; nobody else needs the lock.
     */
    private boolean take(ChannelPool pool, Channel wanted) {
        Object key;
        synchronized (this) {
            key = poolKey;
        }
        if (key == null) {
            return false;
        }
        List<Channel> others = new ArrayList<>();
        synchronized (OWNER) {
            Channel taken = pool.poll(key);
            while (taken != null && taken != wanted) {
                others.add(taken);
                taken = pool.poll(key);
            }
            for (Channel other : others) {
                if (!pool.offer(other, key)) {
                    other.close(); // the pool is closed
                }
            }
            return taken != null;
        }
    }

    /** Closes idle channels: what the pool has given up, nobody else can take from it. */
    static final class Owner implements ConnectionOwner {
        @Override
        public boolean evict(Object handle) {
            Link link = handle instanceof Channel ? of((Channel) handle) : null;
            return link != null && link.evict();
        }

        @Override
        public boolean finish(Object handle) {
            return false;
        }
    }
}
