package io.sluice.instrumentation.asynchttpclient;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.asynchttpclient.AsyncHandler;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.asynchttpclient.netty.channel.NettyConnectListener;
import org.asynchttpclient.netty.request.NettyRequestSender;
import org.asynchttpclient.proxy.ProxyServer;
import org.asynchttpclient.uri.Uri;
import org.jspecify.annotations.Nullable;

/** What the first releases of the client call otherwise, or do not have. Stateless; nothing blocks. */
final class Versions {
    /** Up to 2.1.0; the last parameter is whether the exchange has begun before. */
    private static final @Nullable MethodHandle SEND = method(
            NettyRequestSender.class,
            "sendRequest",
            ListenableFuture.class,
            Request.class,
            AsyncHandler.class,
            NettyResponseFuture.class,
            boolean.class);

    /** What {@code isReuseChannel} was called before 2.0.20 or so. */
    private static final @Nullable MethodHandle REUSE_CHANNEL =
            method(NettyResponseFuture.class, "reuseChannel", boolean.class);

    /** Where there is no {@code getEventLoopGroup}, before 2.0.16 or so. */
    private static final @Nullable MethodHandle BOOTSTRAP =
            method(ChannelManager.class, "getEventLoopGroup", EventLoopGroup.class) != null
                    ? null
                    : method(ChannelManager.class, "getBootstrap", Bootstrap.class, Uri.class, ProxyServer.class);

    /** Since 2.1; until then all proxies are of HTTP. */
    private static final boolean PROXIES_HAVE_TYPES = proxiesHaveTypes();

    private Versions() {}

    private static boolean proxiesHaveTypes() {
        try {
            ProxyServer.class.getMethod("getProxyType");
            return true;
        } catch (NoSuchMethodException version20) {
            return false;
        }
    }

    /** A public method that only some versions have; null where it is missing. */
    static @Nullable MethodHandle method(Class<?> type, String name, Class<?> result, Class<?>... parameters) {
        try {
            return MethodHandles.publicLookup().findVirtual(type, name, MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException missing) {
            return null;
        }
    }

    /**
     * Has the client begin an exchange again; throws what the client throws.
     *
     * @param goesOn whether it had begun before it waited: version 2.0 counts it only otherwise towards its own limits
     */
    static void sendAgain(NettyRequestSender sender, Request request, NettyResponseFuture<?> future, boolean goesOn) {
        if (SEND == null || goesOn) {
            sender.sendNextRequest(request, future);
            return;
        }
        try {
            SEND.invoke(sender, request, future.getAsyncHandler(), future, false);
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable undeclared) {
            throw new IllegalStateException(undeclared);
        }
    }

    /** The client does not connect after all; version 2.0 has something to give back to its own limits then. */
    static void turnsBack(Object listener) {
        if (SEND != null) {
            ((NettyConnectListener<?>) listener).onFailure(null, new IOException("the exchange has ended"));
        }
    }

    static boolean reusesChannel(NettyResponseFuture<?> future) {
        if (REUSE_CHANNEL == null) {
            return future.isReuseChannel();
        }
        try {
            return (boolean) REUSE_CHANNEL.invoke(future);
        } catch (Throwable fault) {
            throw new IllegalStateException(fault);
        }
    }

    static EventLoopGroup eventLoops(ChannelManager manager) {
        if (BOOTSTRAP == null) {
            return manager.getEventLoopGroup();
        }
        try {
            return ((Bootstrap) BOOTSTRAP.invoke(manager, Uri.create("http://any/"), null)).group();
        } catch (Throwable fault) {
            throw new IllegalStateException(fault);
        }
    }

    static boolean isSocks(ProxyServer proxy) {
        return PROXIES_HAVE_TYPES && proxy.getProxyType().isSocks();
    }

    /** Since version 3. */
    static boolean isHttps(ProxyServer proxy) {
        return PROXIES_HAVE_TYPES && "HTTPS".equals(proxy.getProxyType().name());
    }
}
