package io.sluice.instrumentation.vertx;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where the HTTP client of Vert.x takes, opens, returns and closes a connection. Names are those of 4.1.8, 4.2.7, 4.3.8,
 * 4.4.9, 4.5.10, 4.5.36, 5.0.0, 5.0.12, 5.1.0, 5.1.10, 5.2.0 and 5.2.3, but for what is said below: 3.9 and 4.0 have another
 * pool.
 */
public final class VertxInstrumentation implements ClientInstrumentation {
    private static final String HERE = "io.sluice.instrumentation.vertx.";
    private static final String ADVICE = HERE + "VertxAdvice$";
    private static final String ADVICE_3 = HERE + "Vertx3Advice$";
    private static final String HTTP = "io.vertx.core.http.impl.";

    @Override
    public String client() {
        return "vertx";
    }

    @Override
    public List<Hook> hooks() {
        List<Hook> hooks = new ArrayList<>();
        hooks.addAll(pool("io.vertx.core.net.impl.pool."));
        hooks.addAll(pool("io.vertx.core.internal.pool.")); // since 5
        hooks.addAll(Arrays.asList(
                // Up to 4 since 4.1, and no other way to a connection.
                Hook.on(HTTP + "HttpChannelConnector")
                        .method("httpConnect")
                        .parameters(2)
                        .advice(ADVICE + "Connect")
                        .optional(),
                Hook.on("io.vertx.core.net.impl.pool.Endpoint")
                        .method("close")
                        .parameters(0)
                        .advice(ADVICE + "EndpointClose"),
                // 4.0.3 and early 4.1.
                Hook.on(HTTP + "HttpChannelConnector")
                        .method("httpConnect")
                        .descriptor("(Lio/vertx/core/impl/EventLoopContext;)")
                        .advice(ADVICE + "ConnectForFuture")
                        .optional(),
                // 5.0.
                Hook.on(HTTP + "HttpChannelConnector")
                        .method("httpConnect")
                        .descriptor("(Lio/vertx/core/internal/ContextInternal;)")
                        .advice(ADVICE + "ConnectForFuture")
                        .optional(),
                // Since 5.1.
                Hook.on(HTTP + "tcp.TcpHttpClientTransport")
                        .method("connect")
                        .descriptor("(Lio/vertx/core/internal/ContextInternal;Lio/vertx/core/net/SocketAddress;")
                        .advice(ADVICE + "ConnectForFuture"),
                Hook.on(HTTP + "EndpointKey").method(Hook.CONSTRUCTOR).advice(ADVICE + "Key"),
                Hook.on(HTTP + "Http1xClientConnection")
                        .method("handleResponseBegin")
                        .advice(ADVICE + "Answer")
                        .optional(),
                Hook.on(HTTP + "http1.Http1ClientConnection")
                        .method("handleResponseBegin")
                        .advice(ADVICE + "Answer")));
        hooks.addAll(upTo3());
        hooks.addAll(in40("io.vertx.core.net.impl.clientconnection."));
        return hooks;
    }

    private static List<Hook> upTo3() {
        return Arrays.asList(
                Hook.on(HTTP + "ConnectionManager")
                        .method("getConnection")
                        .parameters(5)
                        .advice(ADVICE_3 + "Ask"),
                Hook.on(HTTP + "pool.Pool")
                        .method("getConnection")
                        .parameters(1)
                        .advice(ADVICE_3 + "Enter"),
                Hook.on(HTTP + "pool.Pool$Holder").method("onRecycle").advice(ADVICE_3 + "Recycle"),
                Hook.on(HTTP + "HttpChannelConnector")
                        .method("connect")
                        .descriptor("(Lio/vertx/core/http/impl/pool/ConnectionListener;")
                        .advice(ADVICE_3 + "Connect")
                        .optional(),
                // These two are in later versions, too, where they find nobody who waits.
                Hook.on(HTTP + "HttpClientRequestImpl")
                        .method("connect")
                        .descriptor("(Lio/vertx/core/Handler;)V")
                        .advice(ADVICE_3 + "Request")
                        .optional(),
                Hook.on(HTTP + "HttpClientRequestImpl")
                        .method("reset")
                        .descriptor("(Ljava/lang/Throwable;)Z")
                        .advice(ADVICE_3 + "Reset")
                        .optional());
    }

    /** 4.0 opens connections as 4.1 does, but has the pool of 3.9 in another package. */
    private static List<Hook> in40(String home) {
        return Arrays.asList(
                Hook.on(HTTP + "ClientHttpStreamEndpoint")
                        .method("requestConnection2")
                        .parameters(2)
                        .advice(ADVICE_3 + "AskPool"),
                Hook.on(home + "Endpoint").method("close").parameters(0).advice(ADVICE + "EndpointClose"),
                Hook.on(home + "Pool$Holder").method("onConcurrencyChange").advice(ADVICE_3 + "Concurrency"),
                // Up to 4.0.2, WebSockets' included.
                Hook.on(HTTP + "HttpChannelConnector")
                        .method("connect")
                        .descriptor("(Lio/vertx/core/net/impl/clientconnection/ConnectionListener;")
                        .advice(ADVICE_3 + "Connect")
                        .optional(),
                Hook.on(home + "Pool$Holder")
                        .method("onRecycle")
                        .advice(ADVICE_3 + "Recycle")
                        .optional(),
                // 4.0.3.
                Hook.on(HTTP + "HttpConnectionProvider")
                        .method("connect")
                        .parameters(3)
                        .advice(ADVICE_3 + "Connect"),
                Hook.on(home + "Pool$Holder$1")
                        .method("recycle")
                        .advice(ADVICE_3 + "RecycleLease")
                        .optional(),
                // No other version has these two; the second is what the timer of the first does, as the compiler named
                // it.
                Hook.on(HTTP + "HttpClientImpl")
                        .method("request")
                        .parameters(11)
                        .descriptor("(Lio/vertx/core/http/HttpMethod;Lio/vertx/core/net/SocketAddress;")
                        .advice(ADVICE_3 + "Promised")
                        .optional(),
                Hook.on(HTTP + "HttpClientImpl")
                        .method("lambda$request$6")
                        .descriptor("(Lio/vertx/core/impl/future/PromiseInternal;JLio/vertx/core/http/HttpMethod;")
                        .advice(ADVICE_3 + "TimedOut")
                        .optional());
    }

    private static List<Hook> pool(String home) {
        String pool = home + "SimpleConnectionPool";
        return Arrays.asList(
                Hook.on(pool).method("acquire").parameters(4).advice(ADVICE + "Acquire"),
                Hook.on(pool).method("connect").parameters(2).advice(ADVICE + "PoolConnect"),
                Hook.on(pool).method("cancel").parameters(2).advice(ADVICE + "Cancel"),
                Hook.on(pool).method("recycle").parameters(1).advice(ADVICE + "Recycle"),
                Hook.on(pool).method("close").parameters(1).advice(ADVICE + "Close"),
                Hook.on(pool).method("setConcurrency").parameters(2).advice(ADVICE + "Concurrency"),
                Hook.on(pool + "$Cancel").method("run").parameters(0).advice(ADVICE + "Cancelled"),
                Hook.on(home + "PoolWaiter")
                        .method(Hook.CONSTRUCTOR)
                        .parameters(4)
                        .advice(ADVICE + "Waiter"));
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                HERE + "Reflect$1",
                HERE + "Reflect",
                HERE + "Targets",
                HERE + "Sharing$Waiting",
                HERE + "Sharing",
                HERE + "ClientPool",
                HERE + "Owner$Eviction",
                HERE + "Owner",
                HERE + "PooledConnection",
                HERE + "Opening$Step",
                HERE + "Opening$Answer",
                HERE + "Opening",
                HERE + "Exchange",
                HERE + "PoolOpening$1",
                HERE + "PoolOpening",
                HERE + "Vertx3Leases",
                HERE + "Vertx3Endpoint",
                HERE + "Vertx3Exchange$Step",
                HERE + "Vertx3Exchange$1",
                HERE + "Vertx3Exchange",
                HERE + "Vertx3Opening$1",
                HERE + "Vertx3Opening",
                HERE + "VertxHooks");
    }
}
