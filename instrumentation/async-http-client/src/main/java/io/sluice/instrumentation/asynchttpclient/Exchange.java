package io.sluice.instrumentation.asynchttpclient;

import io.sluice.bridge.Background;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.asynchttpclient.AsyncHttpClientConfig;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.asynchttpclient.netty.request.NettyRequestSender;
import org.asynchttpclient.uri.Uri;

/** What the client needs to go on with an exchange that it has laid down. Immutable; nothing here blocks. */
final class Exchange {
    final ChannelManager manager;
    final NettyResponseFuture<?> future;
    private final NettyRequestSender sender;
    private final AsyncHttpClientConfig config;
    private final Request request;
    /** It has begun before: this is a redirect, a retry or the like. Only version 2.0 tells. */
    private final boolean goesOn;

    Exchange(
            NettyRequestSender sender,
            ChannelManager manager,
            AsyncHttpClientConfig config,
            Request request,
            NettyResponseFuture<?> future,
            boolean goesOn) {
        this.sender = sender;
        this.manager = manager;
        this.config = config;
        this.request = request;
        this.future = future;
        this.goesOn = goesOn;
    }

    /** How long the client lets it take, zero or less: for ever. */
    long timeoutNanos() {
        return Timeouts.nanos(request, config);
    }

    /** Whether it may be a stream among others. */
    boolean mayShare() {
        return !request.getUri().isWebSocket();
    }

    /**
     * Runs a task where the client's own code runs: on an event loop. A client that blocks until one of its own limited
     * connections is free must not do so there, where the answer that frees one arrives; it gets a thread.
     */
    void run(Runnable task) {
        if (Timeouts.blocksForConnection(config)) {
            Background.aside(task);
            return;
        }
        try {
            Versions.eventLoops(manager).next().execute(task);
        } catch (RejectedExecutionException closed) {
            task.run();
        }
    }

    /** Has the client begin again; throws what the client throws. */
    void sendAgain() {
        // The client takes a request of CONNECT for proof that there is a tunnel, and there is none yet.
        future.setNettyRequest(null);
        Versions.sendAgain(sender, request, future, goesOn);
    }

    /** Ends it; what it has of a channel is closed. */
    void fail(Throwable why) {
        sender.abort(future.channel(), future, why);
    }

    /** It took too long, the wait included. */
    void expire() {
        Uri uri = request.getUri();
        fail(new TimeoutException("Request timeout to " + uri.getHost() + ":" + uri.getExplicitPort() + " after "
                + TimeUnit.NANOSECONDS.toMillis(timeoutNanos()) + " ms"));
    }
}
