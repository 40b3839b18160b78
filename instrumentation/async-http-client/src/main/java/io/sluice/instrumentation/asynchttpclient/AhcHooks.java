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

    /** The attempt of each listener of a connect, which holds its exchange. */
    private static final WeakMap<Object, Attempt> LISTENERS = new WeakMap<>();

    /** The attempt that is about to connect, by exchange; until the client has made the listener. */
    private static final WeakMap<Object, Attempt> CONNECTING = new WeakMap<>();

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
        if (future != null && future.isReuseChannel()) {
            Channel channel = future.channel();
            if (channel != null && channel.isActive()) {
                return null;
            }
        }
        Link shared = Http2.active((ChannelManager) manager, future, request, proxy);
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
        if (proxy == null || proxy.getProxyType().isSocks() || proxy.isIgnoredForHost(uri.getHost())) {
            return Ask.direct(CLIENT, server);
        }
        boolean tunnelled = secured || uri.isWebSocket();
        Destination through = Destination.proxy(proxy.getHost(), secured ? proxy.getSecuredPort() : proxy.getPort());
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
            return;
        }
        CARRIED.remove();
        Link link = Link.of(channel);
        if (link == null || !link.isHttp2()) {
            carried.use(channel);
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
            NettyResponseFuture<?> future) {
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
        Attempt.Exchange exchange = new Attempt.Exchange(sender, (ChannelManager) manager, request, future);
        if (!attempt.prepare(exchange, Timeouts.nanos(request, (AsyncHttpClientConfig) config))) {
            return attempt;
        }
        CONNECTING.put(future, attempt);
        return null;
    }

    /** Exit advice of {@code sendRequest}: whatever failed in between, the thread carries nothing away. */
    public static void sent() {
        Attempt carried = CARRIED.get();
        if (carried != null) {
            drop(carried);
        }
    }

    /** Exit advice of the constructor of {@code NettyConnectListener}. */
    public static void listens(Object listener, NettyResponseFuture<?> future) {
        Attempt attempt = CONNECTING.remove(future);
        if (attempt != null) {
            LISTENERS.put(listener, attempt);
        }
    }

    /**
     * Enter advice of {@code NettyChannelConnector.connect}.
     *
     * @return null: connect; otherwise the exchange has ended, and its room is somebody else's
     */
    public static @Nullable Object connects(Object listener) {
        Attempt attempt = LISTENERS.get(listener);
        return attempt == null || attempt.connects() ? null : attempt;
    }

    /** Enter advice of {@code NettyConnectListener.onSuccess}. */
    public static void connected(Object listener, Object manager, Channel channel) {
        Attempt attempt = LISTENERS.get(listener);
        if (attempt != null) {
            attempt.connected((ChannelManager) manager, channel);
        }
    }

    /** Enter advice of {@code NettyConnectListener.onFailure}. */
    public static void failed(Object listener, @Nullable Channel channel) {
        Attempt attempt = LISTENERS.get(listener);
        if (attempt != null) {
            attempt.failed(channel);
        }
    }

    /** Exit advice of {@code registerHttp2Connection}: the exchange that opened the connection is the first on it. */
    public static void speaksHttp2(Object manager, Object partitionKey, Channel channel) {
        Link link = Link.of(channel);
        if (link == null) {
            return;
        }
        link.speaksHttp2();
        for (Attempt waiting : Waiters.of((ChannelManager) manager)) {
            waiting.sendAlong(partitionKey, link);
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
        for (Attempt waiting : Waiters.of((ChannelManager) manager)) {
            waiting.clientClosed();
        }
    }

    /** Enter advice of {@code HttpHandler.handleHttpResponse}; the answer to CONNECT says nothing about the server. */
    public static void answered(HttpResponse response, Channel channel, NettyResponseFuture<?> future) {
        Link link = Link.of(channel);
        NettyRequest request = future.getNettyRequest();
        if (link != null
                && (request == null
                        || !HttpMethod.CONNECT.equals(request.getHttpRequest().method()))) {
            Connection connection = link.connection;
            connection.answered(HttpVersion.HTTP_1_0.equals(response.protocolVersion()));
        }
    }
}
