package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.netty.channel.nio.AbstractNioChannel;
import io.netty.util.AttributeKey;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import java.nio.channels.SelectableChannel;
import org.jspecify.annotations.Nullable;
import reactor.netty.internal.shaded.reactor.pool.InstrumentedPool;

/**
 * What a channel is to us: the connection that is counted, the pool in which it lies, and the exchange that uses it. Kept
 * by the channel itself. An exchange begins and ends its use on the channel's event loop.
 */
final class ChannelState {
    private static final AttributeKey<ChannelState> KEY = AttributeKey.valueOf("io.sluice.reactor-netty");

    private final Channel channel;
    private @Nullable Object pooled;
    private @Nullable InstrumentedPool<?> pool;
    private @Nullable Connection connection;
    private @Nullable Exchange user;

    private ChannelState(Channel channel) {
        this.channel = channel;
    }

    static @Nullable ChannelState of(@Nullable Channel channel) {
        return channel == null ? null : channel.attr(KEY).get();
    }

    private static ChannelState make(Channel channel) {
        ChannelState made = new ChannelState(channel);
        ChannelState before = channel.attr(KEY).setIfAbsent(made);
        return before == null ? made : before;
    }

    /** A channel that is not connected yet belongs to a pool. */
    static void pooled(Channel channel, Object entry, InstrumentedPool<?> keptIn) {
        ChannelState state = make(channel);
        synchronized (state) {
            state.pooled = entry;
            state.pool = keptIn;
        }
    }

    /** A channel is connected: from here on it tells when it is closed. */
    static ChannelState opened(Channel channel, Connection opened) {
        ChannelState state = make(channel);
        synchronized (state) {
            state.connection = opened;
        }
        opened.ownedBy(ChannelOwner.REFERENCE, state);
        whenClosed(channel, opened);
        channel.closeFuture().addListener(closed -> state.end());
        return state;
    }

    /**
     * Has the connection's room given back when the channel's socket is really closed. A NIO channel is watched by the JDK:
     * Netty tells the end of one while its selector still holds the descriptor.
     */
    static void whenClosed(Channel channel, Connection counted) {
        if (!(channel instanceof AbstractNioChannel)) {
            channel.closeFuture().addListener(closed -> counted.closed());
            return;
        }
        SelectableChannel nio = ((AbstractNioChannel) channel).unsafe().ch();
        Sockets.opened(nio, counted);
        if (!nio.isOpen() && !nio.isRegistered()) {
            Sockets.closed(nio); // before anybody knew of it
        }
    }

    /** The client gives an exchange its connection. */
    static void connected(reactor.netty.Connection given, Exchange exchange) {
        ChannelState state = of(given.channel());
        if (state != null && state.connection() != null) {
            state.begin(exchange);
        } else {
            // A channel that a provider of the program's has opened by other means.
            given.onTerminate().subscribe(null, failure -> exchange.end(), exchange::end);
        }
    }

    @Nullable
    synchronized Connection connection() {
        return connection;
    }

    @Nullable
    synchronized InstrumentedPool<?> pool() {
        return pool;
    }

    @Nullable
    synchronized Object pooled() {
        return pooled;
    }

    synchronized boolean isUsed() {
        return user != null;
    }

    /** An exchange uses the connection, until {@link #end} or {@link #endWith}. */
    void begin(Exchange exchange) {
        Connection used;
        synchronized (this) {
            if (user == exchange) {
                return;
            }
            user = exchange;
            used = connection;
        }
        if (used != null) {
            used.use(exchange.lease);
        }
        if (!channel.isOpen()) {
            end();
        }
    }

    /** The use ends with the channel. */
    private void end() {
        Exchange ended = leave();
        if (ended != null) {
            ended.end();
        }
    }

    /** Whoever uses the connection is about to give it back; null if nobody does. */
    @Nullable
    synchronized Exchange leave() {
        Exchange leaving = user;
        user = null;
        return leaving;
    }

    /** The connection of that exchange is in its pool again, or closed. */
    void endWith(Exchange exchange) {
        Connection left = connection();
        if (left != null) {
            left.idle(exchange.lease);
        }
        exchange.end();
    }
}
