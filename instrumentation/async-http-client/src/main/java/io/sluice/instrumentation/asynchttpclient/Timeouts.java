package io.sluice.instrumentation.asynchttpclient;

import io.sluice.bridge.FailOpen;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.asynchttpclient.AsyncHttpClientConfig;
import org.asynchttpclient.Request;
import org.jspecify.annotations.Nullable;

/** What the versions of the client tell in different ways about time. Stateless. */
final class Timeouts {
    private static final String REQUEST_TIMEOUT = "getRequestTimeout";

    /** Since 2.6 or so a client with limits of its own may wait for a connection. */
    private static final @Nullable Method ACQUIRE_TIMEOUT = acquireTimeout();

    private Timeouts() {}

    private static @Nullable Method acquireTimeout() {
        try {
            return AsyncHttpClientConfig.class.getMethod("getAcquireFreeChannelTimeout");
        } catch (NoSuchMethodException older) {
            return null;
        }
    }

    /** The request's own timeout, else the client's: milliseconds in version 2; zero or less means no limit. */
    static long nanos(Request request, AsyncHttpClientConfig config) {
        try {
            long ofRequest = nanos(Request.class.getMethod(REQUEST_TIMEOUT), request);
            return ofRequest != 0 ? ofRequest : nanos(AsyncHttpClientConfig.class.getMethod(REQUEST_TIMEOUT), config);
        } catch (ReflectiveOperationException | RuntimeException fault) {
            FailOpen.report(fault);
            return 0;
        }
    }

    private static long nanos(Method timeout, Object of) throws ReflectiveOperationException {
        Object value = timeout.invoke(of);
        if (value instanceof Duration) {
            return ((Duration) value).toNanos();
        }
        return value instanceof Integer ? TimeUnit.MILLISECONDS.toNanos((Integer) value) : 0;
    }

    /** Whether the client parks whoever needs a connection, as long as it has as many as it was told to have. */
    static boolean blocksForConnection(AsyncHttpClientConfig config) {
        if (ACQUIRE_TIMEOUT == null || (config.getMaxConnections() <= 0 && config.getMaxConnectionsPerHost() <= 0)) {
            return false;
        }
        try {
            return (Integer) ACQUIRE_TIMEOUT.invoke(config) > 0;
        } catch (ReflectiveOperationException | RuntimeException fault) {
            FailOpen.report(fault);
            return false;
        }
    }
}
