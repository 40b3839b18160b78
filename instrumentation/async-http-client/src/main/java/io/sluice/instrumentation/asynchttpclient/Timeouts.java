package io.sluice.instrumentation.asynchttpclient;

import io.sluice.bridge.FailOpen;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.asynchttpclient.AsyncHttpClientConfig;
import org.asynchttpclient.Request;

/** The time that a request may take, which is a number of milliseconds in version 2 and a duration in version 3. */
final class Timeouts {
    private static final String NAME = "getRequestTimeout";

    private Timeouts() {}

    /** The request's own timeout, else the client's; zero or less means no limit. */
    static long nanos(Request request, AsyncHttpClientConfig config) {
        try {
            long ofRequest = nanos(Request.class.getMethod(NAME), request);
            return ofRequest != 0 ? ofRequest : nanos(AsyncHttpClientConfig.class.getMethod(NAME), config);
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
}
