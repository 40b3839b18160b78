package io.sluice.instrumentation.reactornetty;

import io.netty.channel.Channel;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/**
 * The streams of one HTTP/2 connection. It has the lease of the exchange with whose stream it began to be used; further
 * streams need none. It is idle when no stream is open and no exchange is on its way to open one. Thread-safe.
 */
final class Http2Use {
    /** As long as nobody knows what the server allows (RFC 9113 section 6.5.2 recommends to allow no fewer). */
    private static final int STREAMS_BEFORE_SETTINGS = 100;

    private final Channel channel;
    private final Connection connection;
    private final Http2Streams streams;
    private final @Nullable Http2Connection codec;

    private @Nullable Lease lease;
    private boolean ownsLease;
    /** Streams, and exchanges that will open one. */
    private int held;

    private boolean settled;

    Http2Use(Channel channel, Connection connection, Http2Streams streams) {
        this.channel = channel;
        this.connection = connection;
        this.streams = streams;
        Http2FrameCodec found = channel.pipeline().get(Http2FrameCodec.class);
        codec = found == null ? null : found.connection();
        if (codec != null) {
            codec.addListener(closings());
        }
    }

    /**
     * Tells of streams that have no channel of ours, as the first one after an upgrade. A proxy, since a class of ours that
     * extends one of Netty's HTTP/2 could not be defined beside a client without.
     */
    private Http2Connection.Listener closings() {
        return (Http2Connection.Listener) Proxy.newProxyInstance(
                Http2Connection.class.getClassLoader(),
                new Class<?>[] {Http2Connection.Listener.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("onStreamClosed")) {
                        settled();
                        lookLater();
                    }
                    return answer(proxy, method, arguments);
                });
    }

    private static @Nullable Object answer(Object proxy, Method method, @Nullable Object @Nullable [] arguments) {
        if (method.getName().equals("equals") && arguments != null) {
            return proxy == arguments[0];
        }
        if (method.getName().equals("hashCode")) {
            return System.identityHashCode(proxy);
        }
        return method.getReturnType() == String.class ? "Http2Use" : null;
    }

    /** Takes a place for a stream, if this connection carries some already and may carry more. */
    synchronized boolean reserve() {
        if (lease == null || !channel.isActive() || held >= capacity()) {
            return false;
        }
        held++;
        return true;
    }

    /** The place is not needed. */
    void unreserve() {
        synchronized (this) {
            held--;
        }
        lookLater();
    }

    /** With {@code this} held. */
    private int capacity() {
        if (codec == null || codec.goAwayReceived()) {
            return 0;
        }
        int allowed = codec.local().maxActiveStreams();
        return settled ? allowed : Math.min(allowed, STREAMS_BEFORE_SETTINGS);
    }

    /** The server has answered something, so its settings are known. */
    private void settled() {
        synchronized (this) {
            if (settled) {
                return;
            }
            settled = true;
        }
        streams.hasRoom(this);
    }

    /** The connection of this exchange turned out to be one for many streams: it keeps the exchange's lease. */
    void began(Exchange exchange) {
        synchronized (this) {
            if (lease != null) {
                return;
            }
            lease = exchange.lease();
            ownsLease = exchange.takeLease();
        }
        streams.hasRoom(this);
    }

    /** The exchange has a stream of this connection. */
    void opened(Exchange exchange, Channel stream) {
        boolean activated = false;
        Http2Use joined = exchange.joined();
        // Without a lease it was to go on another connection, which lends its own: that one is in use as well.
        Lease lent = exchange.lease() == null && joined != null ? joined.lease() : exchange.lease();
        synchronized (this) {
            if (joined != this) {
                held++;
            }
            if (lease == null && lent != null) {
                lease = lent;
                ownsLease = exchange.takeLease();
                connection.use(lent);
                activated = true;
            }
        }
        exchange.hasStream();
        if (joined != null && joined != this) {
            joined.leave();
        }
        if (activated) {
            streams.hasRoom(this);
        }
        stream.closeFuture().addListener(closed -> leave());
    }

    /** A stream is closed, or will not be opened. */
    void leave() {
        unreserve();
        streams.hasRoomIfActive(this);
    }

    private synchronized @Nullable Lease lease() {
        return lease;
    }

    synchronized boolean isActive() {
        return lease != null;
    }

    /** Looks whether this is idle once the client has done what it does at the end of a stream, too. */
    private void lookLater() {
        execute(this::look);
    }

    /** Runs a task on the connection's event loop. */
    void execute(Runnable task) {
        try {
            channel.eventLoop().execute(task);
        } catch (RuntimeException shutDown) {
            task.run();
        }
    }

    private void look() {
        Lease ended;
        boolean owned;
        synchronized (this) {
            boolean inUse = held > 0 || (codec != null && codec.numActiveStreams() > 0);
            if (lease == null || (inUse && channel.isOpen())) {
                return;
            }
            ended = lease;
            owned = ownsLease;
            lease = null;
            connection.idle(ended);
        }
        streams.isIdle(this);
        if (owned) {
            ended.release();
        }
    }
}
