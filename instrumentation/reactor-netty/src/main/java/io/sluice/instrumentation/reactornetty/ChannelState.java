package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.nio.AbstractNioChannel;
import io.netty.util.AttributeKey;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.nio.channels.SelectableChannel;
import org.jspecify.annotations.Nullable;
import reactor.netty.NettyPipeline;
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
    private @Nullable Object http2Slot;
    private @Nullable Object http2Pool;
    private @Nullable InstrumentedPool<?> sharedPool;
    private @Nullable Object sharedEntry;
    private @Nullable Connection connection;
    private @Nullable Exchange user;
    private @Nullable Http2Use http2;

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

    /** A connected channel belongs to a pool for HTTP/2 as well, for as long as it is open. */
    static void pooledForHttp2(Channel channel, Object slot, Object keptIn) {
        ChannelState state = make(channel);
        synchronized (state) {
            state.http2Slot = slot;
            state.http2Pool = keptIn;
        }
    }

    /** Up to 1.0.13, a connection for many streams lies now in a pool of the common kind, now in the one above. */
    static void shared(Channel channel, Object entry, InstrumentedPool<?> keptIn) {
        ChannelState state = make(channel);
        synchronized (state) {
            state.sharedEntry = entry;
            state.sharedPool = keptIn;
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

    /** The client gives an exchange its connection, or a stream of one. */
    static void connected(reactor.netty.Connection given, Exchange exchange) {
        Channel channel = given.channel();
        ChannelState state = of(channel);
        ChannelState parent = of(channel.parent());
        if (parent != null && parent.connection() != null) {
            parent.streamOpened(exchange, channel);
        } else if (state != null && state.connection() != null) {
            state.begin(exchange);
        } else {
            // A channel that a provider of the program's has opened by other means.
            given.onTerminate().subscribe(null, failure -> exchange.end(), exchange::end);
        }
    }

    private void streamOpened(Exchange exchange, Channel stream) {
        Http2Use use = http2(exchange);
        Acquisition acquisition = exchange.acquisitionOrNull();
        if (use == null || acquisition == null) {
            exchange.end();
            return;
        }
        synchronized (this) {
            if (user == exchange) {
                user = null;
            }
        }
        use.opened(exchange, stream);
    }

    /** The connection was upgraded from HTTP/1.1, and the exchange that brought that about is its first stream. */
    void upgraded(Exchange exchange) {
        Http2Use use = http2(exchange);
        if (use != null) {
            synchronized (this) {
                if (user == exchange) {
                    user = null;
                }
            }
            use.began(exchange);
        }
    }

    private synchronized @Nullable Http2Use http2(Exchange exchange) {
        Acquisition acquisition = exchange.acquisitionOrNull();
        Http2Streams streams = acquisition == null ? null : acquisition.streams();
        Connection counted = connection;
        if (http2 == null && streams != null && counted != null) {
            http2 = new Http2Use(channel, counted, streams);
        }
        return http2;
    }

    /** The exchange got no stream of the connection that it had: that stays open, in a pool for HTTP/2. */
    void failedWithoutStream(Exchange exchange) {
        boolean http2Channel = channel.isOpen() && channel.pipeline().get(NettyPipeline.H2MultiplexHandler) != null;
        synchronized (this) {
            if (!http2Channel || user != exchange) {
                return;
            }
            user = null;
        }
        endWith(exchange);
    }

    @Nullable
    synchronized Connection connection() {
        return connection;
    }

    synchronized boolean isUsed() {
        return user != null;
    }

    /** An exchange uses the connection, until {@link #end} or {@link #endWith}. */
    void begin(Exchange exchange) {
        synchronized (this) {
            if (user == exchange) {
                return;
            }
            user = exchange;
            Lease lease = exchange.lease();
            if (connection != null && lease != null) {
                connection.use(lease);
            }
        }
        exchange.hasBegun(this);
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
        synchronized (this) {
            Lease lease = exchange.lease();
            if (connection != null && lease != null) {
                connection.idle(lease);
            }
        }
        exchange.end();
    }

    /** Closes the connection if it is idle in its pool; false if somebody has it. May block for a moment. */
    boolean evict() throws ReflectiveOperationException {
        Object slot;
        Object slots;
        InstrumentedPool<?> entries;
        Object entry;
        InstrumentedPool<?> streams;
        Object shared;
        synchronized (this) {
            streams = sharedPool;
            shared = sharedEntry;
            slot = http2Slot;
            slots = http2Pool;
            entries = pool;
            entry = pooled;
        }
        boolean closing;
        if (slot != null && slots != null && channel.pipeline().get(NettyPipeline.H2MultiplexHandler) != null) {
            closing = Http2Slots.claim(slot, slots);
            if (closing) {
                channel.close().addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
            }
        } else {
            closing = (streams != null && shared != null && Claim.evict(streams, shared, channel))
                    || (entries != null && entry != null && Claim.evict(entries, entry, channel));
        }
        return closing;
    }
}
