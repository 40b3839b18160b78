package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.Channel;
import io.sluice.bridge.FailOpen;
import java.lang.invoke.MethodHandle;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.asynchttpclient.proxy.ProxyServer;
import org.jspecify.annotations.Nullable;

/** HTTP/2, which the later releases of version 3 speak. Stateless. */
final class Http2 {
    private static final @Nullable MethodHandle POLL =
            Versions.method(ChannelManager.class, "pollHttp2Connection", Channel.class, Object.class);

    private Http2() {}

    /** The connection on which the client would send this exchange as a further stream; the exchange is on it now. */
    static @Nullable Link join(
            ChannelManager manager,
            @Nullable NettyResponseFuture<?> future,
            Request request,
            @Nullable ProxyServer proxy) {
        if (POLL == null || request.getUri().isWebSocket()) {
            return null;
        }
        try {
            Object key = future != null
                    ? future.getPartitionKey()
                    : request.getChannelPoolPartitioning()
                            .getPartitionKey(request.getUri(), request.getVirtualHost(), proxy);
            Link link = registered(manager, key);
            return link != null && link.join() ? link : null;
        } catch (RuntimeException fault) {
            FailOpen.report(fault);
            return null;
        }
    }

    /** The connection that the client has for further streams; null if none. */
    static @Nullable Link registered(ChannelManager manager, Object key) {
        if (POLL == null) {
            return null;
        }
        try {
            return Link.of((Channel) POLL.invoke(manager, key));
        } catch (Throwable fault) {
            FailOpen.report(fault);
            return null;
        }
    }
}
