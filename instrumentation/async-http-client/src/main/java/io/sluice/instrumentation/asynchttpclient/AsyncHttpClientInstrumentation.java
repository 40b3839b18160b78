package io.sluice.instrumentation.asynchttpclient;

import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpResponse;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import io.sluice.limiter.Lease;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.request.NettyRequestSender;
import org.asynchttpclient.proxy.ProxyServer;
import org.jspecify.annotations.Nullable;

/** AsyncHttpClient 2 and 3, from 2.0.0 on. Answers with names only. */
public final class AsyncHttpClientInstrumentation implements ClientInstrumentation {
    private static final String HELPERS = "io.sluice.instrumentation.asynchttpclient.";
    private static final String HERE = HELPERS + "AsyncHttpClientInstrumentation$";
    private static final String CLIENT = "org.asynchttpclient.netty.";
    private static final String REQUEST_AND_PROXY =
            "Lorg/asynchttpclient/Request;Lorg/asynchttpclient/proxy/ProxyServer;";
    private static final String FUTURE = "Lorg/asynchttpclient/netty/NettyResponseFuture;";
    private static final String HANDLER = "Lorg/asynchttpclient/AsyncHandler;";

    /** Called by the service loader. */
    public AsyncHttpClientInstrumentation() {}

    @Override
    public String client() {
        return "async-http-client";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                HELPERS + "Link",
                HELPERS + "Link$Owner",
                HELPERS + "Attempt",
                HELPERS + "Exchange",
                HELPERS + "Share",
                HELPERS + "Clocks",
                HELPERS + "Waiters",
                HELPERS + "Timeouts",
                HELPERS + "Versions",
                HELPERS + "Http2",
                HELPERS + "AhcHooks");
    }

    @Override
    public List<Hook> hooks() {
        String sender = CLIENT + "request.NettyRequestSender";
        String manager = CLIENT + "channel.ChannelManager";
        String listener = CLIENT + "channel.NettyConnectListener";
        List<Hook> hooks = new ArrayList<>();
        hooks.add(on(sender, "getOpenChannel", "PollAdvice"));
        hooks.add(on(sender, "sendRequestWithOpenChannel", "OpenChannelAdvice")
                .descriptor("(" + FUTURE + HANDLER + "Lio/netty/channel/Channel;)")
                .optional()); // since 2.1.1
        hooks.add(on(sender, "sendRequestWithOpenChannel", "OldOpenChannelAdvice")
                .descriptor("(" + REQUEST_AND_PROXY + FUTURE + HANDLER + "Lio/netty/channel/Channel;)")
                .optional()); // up to 2.1.0
        // In 2.0 there is one more parameter.
        hooks.add(on(sender, "sendRequestWithNewChannel", "NewChannelAdvice")
                .descriptor("(" + REQUEST_AND_PROXY + FUTURE + HANDLER));
        hooks.add(on(sender, "sendRequest", "SentAdvice"));
        hooks.add(on(CLIENT + "channel.NettyChannelConnector", "connect", "ConnectAdvice"));
        hooks.add(on(CLIENT + "request.NettyChannelConnector", "connect", "ConnectAdvice")); // up to 2.2
        hooks.add(on(listener, Hook.CONSTRUCTOR, "ListensAdvice"));
        hooks.add(on(listener, "onSuccess", "ConnectedAdvice"));
        hooks.add(on(listener, "onFailure", "FailedAdvice"));
        hooks.add(on(manager, "tryToOfferChannelToPool", "OfferAdvice")
                .descriptor("(Lio/netty/channel/Channel;Lorg/asynchttpclient/AsyncHandler;ZLjava/lang/Object;)V"));
        hooks.add(on(manager, "close", "ClosedAdvice").parameters(0));
        hooks.add(on(manager, "registerHttp2Connection", "Http2Advice").optional());
        hooks.add(on(CLIENT + "handler.HttpHandler", "handleHttpResponse", "AnsweredAdvice"));
        return hooks;
    }

    private static Hook on(String type, String method, String advice) {
        return Hook.on(type).method(method).advice(HERE + advice);
    }

    /** The client is about to look into its pool. */
    public static final class PollAdvice {
        private PollAdvice() {}

        /** Asks for a lease; while that is pending the client finds nothing in its pool. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.FieldValue("channelManager") Object manager,
                @Advice.Argument(0) @Nullable NettyResponseFuture<?> future,
                @Advice.Argument(1) Request request,
                @Advice.Argument(2) @Nullable ProxyServer proxy) {
            return AhcHooks.ask(manager, future, request, proxy);
        }

        /** Joins the connection of HTTP/2 that it has found. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.Return(readOnly = false) @Nullable Channel channel) {
            channel = AhcHooks.found(channel);
        }
    }

    /** The client has a connection for the exchange. */
    public static final class OpenChannelAdvice {
        private OpenChannelAdvice() {}

        /** Ties the lease to it. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.Argument(0) NettyResponseFuture<?> future, @Advice.Argument(2) Channel channel) {
            AhcHooks.sendsOn(future, channel);
        }
    }

    /** The same up to 2.1.0. */
    public static final class OldOpenChannelAdvice {
        private OldOpenChannelAdvice() {}

        /** Ties the lease to it. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.Argument(2) NettyResponseFuture<?> future, @Advice.Argument(4) Channel channel) {
            AhcHooks.sendsOn(future, channel);
        }
    }

    /** The client has none, and is about to connect. */
    public static final class NewChannelAdvice {
        private NewChannelAdvice() {}

        /** Goes on only with a lease and with room; otherwise the exchange is begun again when these are there. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This NettyRequestSender sender,
                @Advice.FieldValue("channelManager") Object manager,
                @Advice.FieldValue("config") Object config,
                @Advice.Argument(0) Request request,
                @Advice.Argument(1) @Nullable ProxyServer proxy,
                @Advice.Argument(2) NettyResponseFuture<?> future,
                @Advice.Argument(value = 4, optional = true) boolean goesOn) {
            return AhcHooks.opens(sender, manager, config, request, proxy, future, goesOn);
        }

        /** The caller gets its future in any case. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object waits,
                @Advice.Argument(2) NettyResponseFuture<?> future,
                @Advice.Return(readOnly = false, typing = Assigner.Typing.DYNAMIC) @Nullable
                        ListenableFuture<?> result) {
            if (waits != null) {
                result = future;
            }
        }
    }

    /** The client has sent a request, or failed to. */
    public static final class SentAdvice {
        private SentAdvice() {}

        /** Lays aside what the thread carries for another exchange. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(2) @Nullable NettyResponseFuture<?> future) {
            return AhcHooks.sends(future);
        }

        /** The thread carries no lease away. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object outer) {
            AhcHooks.sent(outer);
        }
    }

    /** The client connects now, after it has looked up the address. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Not if the exchange has ended since. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(1) Object listener) {
            return AhcHooks.connects(listener);
        }
    }

    /** Somebody is to be told of the connect. */
    public static final class ListensAdvice {
        private ListensAdvice() {}

        /** Remembers for which exchange. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object listener, @Advice.Argument(0) NettyResponseFuture<?> future) {
            AhcHooks.listens(listener, future);
        }
    }

    /** The channel is connected. */
    public static final class ConnectedAdvice {
        private ConnectedAdvice() {}

        /** It is the exchange's connection until it is closed. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.This Object listener,
                @Advice.FieldValue("channelManager") Object manager,
                @Advice.Argument(0) Channel channel) {
            AhcHooks.connected(listener, manager, channel);
        }
    }

    /** The channel is not connected, or not as it should be. */
    public static final class FailedAdvice {
        private FailedAdvice() {}

        /** Gives the room back before the client tries again. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.This Object listener, @Advice.Argument(0) @Nullable Channel channel) {
            AhcHooks.failed(listener, channel);
        }
    }

    /** The client is done with a connection. */
    public static final class OfferAdvice {
        private OfferAdvice() {}

        /** Whose it was: in the pool it may at once be another's. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Lease enter(@Advice.Argument(0) Channel channel) {
            return AhcHooks.offering(channel);
        }

        /** It is idle, or being closed. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Lease lease,
                @Advice.Argument(0) Channel channel,
                @Advice.Argument(2) boolean keepAlive,
                @Advice.Argument(3) Object partitionKey) {
            AhcHooks.offered(lease, channel, keepAlive, partitionKey);
        }
    }

    /** The client is closed. */
    public static final class ClosedAdvice {
        private ClosedAdvice() {}

        /** Whoever waits goes on, to the client's own failure. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object manager) {
            AhcHooks.closed(manager);
        }
    }

    /** A connection speaks HTTP/2. */
    public static final class Http2Advice {
        private Http2Advice() {}

        /** The exchange that opened it is on it, before anybody else can find it. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.Argument(1) Channel channel) {
            AhcHooks.speaksHttp2(channel);
        }

        /** Others may join. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object manager, @Advice.Argument(0) Object key, @Advice.Argument(1) Channel channel) {
            AhcHooks.sharesHttp2(manager, key, channel);
        }
    }

    /** The head of a response has arrived. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** Tells the server's class. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.Argument(0) HttpResponse response,
                @Advice.Argument(1) Channel channel,
                @Advice.Argument(2) NettyResponseFuture<?> future) {
            AhcHooks.answered(response, channel, future);
        }
    }
}
