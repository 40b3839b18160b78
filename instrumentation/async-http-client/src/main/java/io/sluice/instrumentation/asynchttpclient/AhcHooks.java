package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import org.asynchttpclient.AsyncHttpClientConfig;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.asynchttpclient.netty.request.NettyRequest;
import org.asynchttpclient.netty.request.NettyRequestSender;
import org.asynchttpclient.proxy.ProxyServer;
import org.asynchttpclient.uri.Uri;
import org.jspecify.annotations.Nullable;

/**
 * What the advice of AsyncHttpClient does. Called by its callers' threads and by its event loops; parks neither.
 */
public final class AhcHooks {
    private static final String CLIENT = "async-http-client";

    /** The attempt that the calling thread is about to send, from one of the client's methods to the next. */
    private static final ThreadLocal<@Nullable Attempt> CARRIED = new ThreadLocal<>();

    /** The attempt of each listener of a connect. */
    private static final WeakMap<Object, WeakReference<Attempt>> LISTENERS = new WeakMap<>();

    /** The latest attempt of each exchange, by its future, if there is more to it than a connection of HTTP/1. */
    private static final WeakMap<Object, WeakReference<Attempt>> LATEST = new WeakMap<>();

    private AhcHooks() {}

    static void carry(Attempt attempt) {
        CARRIED.set(attempt);
    }

    /** The calling thread is done with this attempt, if it still carries it. */
    static void drop(Attempt attempt) {
        if (CARRIED.get() == attempt) {
            CARRIED.remove();
            attempt.droppedUnused();
        }
    }

    /**
     * Enter advice of {@code getOpenChannel}: asks for a lease, unless the exchange goes on with the channel that it has.
     *
     * @return null: the client may look into its pool; otherwise it has to wait first
     */
    public static @Nullable Object ask(
            Object manager, @Nullable NettyResponseFuture<?> future, Request request, @Nullable ProxyServer proxy) {
        Attempt carried = CARRIED.get();
        if (carried != null) {
            return carried.mayPoll() ? null : carried;
        }
        if (future != null && Versions.reusesChannel(future)) {
            Channel channel = future.channel();
            if (channel != null && channel.isActive()) {
                Attempt goesOn = latest(LATEST.get(future));
                if (goesOn != null) {
                    goesOn.stopsClock(); // the client starts its own anew
                }
                return null;
            }
        }
        // In this order, so that a connection that the exchange had shared, and shares again, is not idle in between.
        Link shared = Http2.join((ChannelManager) manager, future, request, proxy);
        Attempt former = future == null ? null : latest(LATEST.remove(future));
        if (former != null) {
            former.succeeded();
        }
        if (shared != null) {
            CARRIED.set(Attempt.on(shared));
            return null;
        }
        Lease lease = ConnectionGate.ask(askFor(request, proxy));
        if (lease == null) {
            return null;
        }
        Attempt attempt = Attempt.with(lease);
        CARRIED.set(attempt);
        return attempt.mayPoll() ? null : attempt;
    }

    private static Ask askFor(Request request, @Nullable ProxyServer proxy) {
        Uri uri = request.getUri();
        boolean secured = uri.isSecured();
        Destination server = Destination.server(secured ? "https" : "http", uri.getHost(), uri.getExplicitPort());
        if (proxy == null || Versions.isSocks(proxy) || proxy.isIgnoredForHost(uri.getHost())) {
            return Ask.direct(CLIENT, server);
        }
        boolean tunnelled = secured || uri.isWebSocket();
        boolean toSecuredPort = secured || Versions.isHttps(proxy);
        Destination through =
                Destination.proxy(proxy.getHost(), toSecuredPort ? proxy.getSecuredPort() : proxy.getPort());
        return tunnelled ? Ask.tunnelled(CLIENT, server, through) : Ask.proxied(CLIENT, server, through);
    }

    /**
     * Exit advice of {@code getOpenChannel}.
     *
     * @return the channel, or null where it must not be used: a connection of HTTP/2 that is being closed
     */
    public static @Nullable Channel found(@Nullable Channel channel) {
        Attempt carried = CARRIED.get();
        if (carried == null || channel == null) {
            return channel;
        }
        Link link = Link.of(channel);
        return link != null && link.isHttp2() && !carried.use(channel) ? null : channel;
    }

    /** Enter advice of {@code sendRequestWithOpenChannel}: the exchange has this channel, which was idle or is shared. */
    public static void sendsOn(NettyResponseFuture<?> future, Channel channel) {
        Attempt carried = CARRIED.get();
        if (carried == null) {
            Attempt latest = latest(LATEST.get(future));
            if (latest != null) {
                latest.usesInstead(channel);
            }
            return;
        }
        CARRIED.remove();
        Link link = Link.of(channel);
        if (link == null || !link.isHttp2()) {
            carried.use(channel);
        } else {
            LATEST.put(future, carried.self);
        }
        carried.endsWith(future);
    }

    /**
     * Enter advice of {@code sendRequestWithNewChannel}: the exchange needs a new connection.
     *
     * @return null: the client may open it; otherwise it is done for now, and its caller gets the future
     */
    public static @Nullable Object opens(
            NettyRequestSender sender,
            Object manager,
            Object config,
            Request request,
            @Nullable ProxyServer proxy,
            NettyResponseFuture<?> future,
            boolean goesOn) {
        Attempt attempt = CARRIED.get();
        if (attempt == null) {
            return null;
        }
        CARRIED.remove();
        if (!attempt.needsChannel()) {
            Lease lease = ConnectionGate.ask(askFor(request, proxy));
            if (lease == null) {
                return null;
            }
            attempt = Attempt.with(lease);
        }
        LATEST.put(future, attempt.self);
        Exchange exchange =
                new Exchange(sender, (ChannelManager) manager, (AsyncHttpClientConfig) config, request, future, goesOn);
        return attempt.prepare(exchange) ? null : attempt;
    }

    /**
     * Enter advice of {@code sendRequest}.
     *
     * @return the attempt of another exchange, in the midst of which a callback of the program's begins this one
     */
    public static @Nullable Object sends(@Nullable NettyResponseFuture<?> future) {
        Attempt carried = CARRIED.get();
        if (carried == null || carried.isOf(future)) {
            return null;
        }
        CARRIED.remove();
        return carried;
    }

    /** Exit advice of {@code sendRequest}: whatever failed in between, the thread carries nothing away. */
    public static void sent(@Nullable Object outer) {
        Attempt carried = CARRIED.get();
        if (carried != null) {
            drop(carried);
        }
        if (outer instanceof Attempt) {
            CARRIED.set((Attempt) outer);
        }
    }

    /** Exit advice of the constructor of {@code NettyConnectListener}. */
    public static void listens(Object listener, NettyResponseFuture<?> future) {
        Attempt attempt = latest(LATEST.get(future));
        if (attempt != null) {
            LISTENERS.put(listener, attempt.self);
        }
    }

    private static @Nullable Attempt latest(@Nullable WeakReference<Attempt> reference) {
        return reference == null ? null : reference.get();
    }

    /**
     * Enter advice of {@code NettyChannelConnector.connect}.
     *
     * @return null: connect; otherwise the exchange has ended, and its room is somebody else's
     */
    public static @Nullable Object connects(Object listener) {
        Attempt attempt = latest(LISTENERS.get(listener));
        if (attempt == null || attempt.connects()) {
            return null;
        }
        Versions.turnsBack(listener);
        return attempt;
    }

    /** Enter advice of {@code NettyConnectListener.onSuccess}. */
    public static void connected(Object listener, Object manager, Channel channel) {
        Attempt attempt = latest(LISTENERS.get(listener));
        if (attempt != null) {
            attempt.connected((ChannelManager) manager, channel);
        }
    }

    /** Enter advice of {@code NettyConnectListener.onFailure}. */
    public static void failed(Object listener, @Nullable Channel channel) {
        Attempt attempt = latest(LISTENERS.get(listener));
        if (attempt != null) {
            attempt.failed(channel);
        }
    }

    /** Enter advice of {@code registerHttp2Connection}: the exchange that opened the connection is the first on it. */
    public static void speaksHttp2(Channel channel) {
        Link link = Link.of(channel);
        if (link != null) {
            link.speaksHttp2();
        }
    }

    /**
     * Exit advice of the same: whoever waits for such a connection may join, once the client has begun to use it. Where
     * the first exchange is cancelled before that, the client closes the connection beneath all.
     */
    public static void sharesHttp2(Object manager, Object partitionKey, Channel channel) {
        Link link = Link.of(channel);
        if (link != null) {
            channel.eventLoop().execute(() -> {
                for (Attempt waiting : Waiters.of((ChannelManager) manager)) {
                    if (channel.isActive()) {
                        waiting.sendAlong(partitionKey, link);
                    }
                }
            });
        }
    }

    /** Enter advice of {@code tryToOfferChannelToPool}: the lease of whoever used the channel until now. */
    public static @Nullable Lease offering(Channel channel) {
        Link link = Link.of(channel);
        return link == null || link.isHttp2() ? null : link.connection.lease();
    }

    /** Exit advice of the same: where the pool has it, it is idle. */
    public static void offered(@Nullable Lease lease, Channel channel, boolean keepAlive, Object partitionKey) {
        Link link = Link.of(channel);
        if (lease == null || link == null || !keepAlive || !channel.isActive()) {
            return; // it is being closed, and the lease ends with it
        }
        link.idle(lease, partitionKey);
        ConnectionGate.release(lease);
    }

    /** Exit advice of {@code ChannelManager.close}. */
    public static void closed(Object manager) {
        Waiters.closed((ChannelManager) manager);
    }

    /** Enter advice of {@code HttpHandler.handleHttpResponse}; the answer to CONNECT says nothing about the server. */
    @SuppressWarnings("deprecation") // the names that Netty 4.0 has too
    public static void answered(HttpResponse response, Channel channel, NettyResponseFuture<?> future) {
        Link link = Link.of(channel);
        NettyRequest request = future.getNettyRequest();
        if (link != null
                && (request == null
                        || !HttpMethod.CONNECT.equals(request.getHttpRequest().getMethod()))) {
            Connection connection = link.connection;
            connection.answered(HttpVersion.HTTP_1_0.equals(response.getProtocolVersion()));
        }
    }
}
