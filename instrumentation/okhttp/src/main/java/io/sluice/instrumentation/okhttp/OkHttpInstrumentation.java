package io.sluice.instrumentation.okhttp;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where OkHttp 3.0 to 5.x takes, opens, returns and closes a connection. What holds a connection on behalf of a call has had
 * four shapes, each in classes of its own but for {@code RealConnection} and {@code ExchangeFinder}, whose hooks that other
 * shapes do without are optional.
 */
public final class OkHttpInstrumentation implements ClientInstrumentation {
    private static final String HELPERS = "io.sluice.instrumentation.okhttp.";
    private static final String ADVICE = HELPERS + "OkHttpAdvice$";
    private static final String HTTP = "okhttp3.internal.http.";
    private static final String CONNECTION = "okhttp3.internal.connection.";

    @Override
    public String client() {
        return "okhttp";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                HELPERS + "Attempt",
                HELPERS + "Traces",
                HELPERS + "Routes",
                HELPERS + "Internals",
                HELPERS + "Carrier",
                HELPERS + "ConnectionEvictor",
                HELPERS + "CallState",
                HELPERS + "PoolState",
                HELPERS + "Opening",
                HELPERS + "Passage",
                HELPERS + "PlanState",
                HELPERS + "SocketHooks",
                HELPERS + "OkHttpHooks$LostCalls",
                HELPERS + "OkHttpHooks");
    }

    @Override
    public List<Hook> hooks() {
        List<Hook> hooks = new ArrayList<>();
        enqueued(hooks, "okhttp3.RealCall$AsyncCall"); // up to 4.3
        enqueued(hooks, CONNECTION + "RealCall$AsyncCall");
        streamAllocation(hooks, HTTP, "okhttp3.internal.io.RealConnection"); // 3.0 to 3.3
        hooks.add(on(HTTP + "HttpEngine", "readNetworkResponse", "ReadResponse"));
        streamAllocation(hooks, CONNECTION, CONNECTION + "RealConnection"); // 3.4 to 3.13
        transmitter(hooks); // 3.14 to 4.3
        realCall(hooks); // since 4.4
        connectPlan(hooks); // since 5.0
        hooks.add(on(CONNECTION + "RealConnection", "onSettings", "Settings")); // since 3.4, as the next
        hooks.add(on(HTTP + "CallServerInterceptor", "intercept", "Intercept"));
        return hooks;
    }

    private static void enqueued(List<Hook> hooks, String asyncCall) {
        hooks.add(on(asyncCall, Hook.CONSTRUCTOR, "Enqueue"));
        hooks.add(on(asyncCall, "execute", "Run").optional()); // in version 3
        hooks.add(on(asyncCall, "run", "Run").optional()); // since 4.0
    }

    private static void streamAllocation(List<Hook> hooks, String where, String connection) {
        hooks.add(on(where + "StreamAllocation", "newStream", "NewStream"));
        hooks.add(on(where + "StreamAllocation", "acquire", "Acquire"));
        hooks.add(on(where + "StreamAllocation", "releaseAndAcquire", "Acquire").optional()); // since 3.6
        hooks.add(on(where + "StreamAllocation", "deallocate", "Deallocate"));
        hooks.add(on(where + "StreamAllocation", "cancel", "Cancel"));
        hooks.add(on(connection, "connectSocket", "ConnectSocket").optional()); // up to 4.12
    }

    private static void transmitter(List<Hook> hooks) {
        // In 5 the name is an interface's.
        hooks.add(
                on(CONNECTION + "ExchangeFinder", "find", "Find").parameters(3).optional());
        hooks.add(on(CONNECTION + "Transmitter", "acquireConnectionNoEvents", "AcquireConnection"));
        hooks.add(on(CONNECTION + "Transmitter", "releaseConnectionNoEvents", "ReleaseConnection"));
        hooks.add(on(CONNECTION + "Transmitter", "cancel", "Cancel"));
    }

    private static void realCall(List<Hook> hooks) {
        hooks.add(on(CONNECTION + "RealCall", "initExchange$okhttp", "InitExchange"));
        hooks.add(on(CONNECTION + "RealCall", "acquireConnectionNoEvents", "AcquireConnection"));
        hooks.add(on(CONNECTION + "RealCall", "releaseConnectionNoEvents$okhttp", "ReleaseConnection"));
        hooks.add(on(CONNECTION + "RealCall", "cancel", "Cancel"));
    }

    private static void connectPlan(List<Hook> hooks) {
        hooks.add(on(CONNECTION + "ConnectPlan", Hook.CONSTRUCTOR, "Plan"));
        hooks.add(on(CONNECTION + "ConnectPlan", "connectSocket", "ConnectPlanned"));
        hooks.add(on(CONNECTION + "ConnectPlan", "connectTcp", "ConnectTcp"));
        hooks.add(on(CONNECTION + "ConnectPlan", "cancel", "CancelPlan"));
        hooks.add(on(CONNECTION + "RealConnection", Hook.CONSTRUCTOR, "Made"));
    }

    private static Hook on(String type, String method, String advice) {
        return Hook.on(type).method(method).advice(ADVICE + advice);
    }
}
