package io.sluice.instrumentation.asynchttpclient;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Limits;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.asynchttpclient.AsyncCompletionHandlerBase;
import org.asynchttpclient.AsyncHandler;
import org.asynchttpclient.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Closes what a test has opened, and sets the limits back. */
abstract class AhcTestBase {
    private final List<AutoCloseable> toClose = new ArrayList<>();

    @BeforeEach
    void defaults() {
        TestAgent.limits(Limits.defaults());
    }

    @AfterEach
    void closeAll() throws Exception {
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
        TestAgent.limits(Limits.defaults());
    }

    final <T extends AutoCloseable> T closing(T closeable) {
        toClose.add(closeable);
        return closeable;
    }

    final AhcClient client() {
        return closing(AhcClient.with(ContractClient.Setup.plain()));
    }

    static void awaitPending(TestServer server, int count) throws Exception {
        TestAgent.await("so many wait", () -> TestAgent.figures(server).pending() == count);
    }

    /** Every lease is back, and every open connection is idle. */
    static void awaitQuiet(TestServer server) throws Exception {
        TestAgent.await(
                "every lease is back",
                () -> TestAgent.figures(server).leased() == 0
                        && TestAgent.figures(server).pending() == 0);
        TestAgent.await(
                "every open connection is idle",
                () -> TestAgent.figures(server).open()
                        == TestAgent.figures(server).idle());
    }

    /** What the future fails with. */
    static Throwable failure(Future<?> future) throws Exception {
        try {
            throw new AssertionError("expected a failure, not " + future.get(20, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    /**
     * A handler that does something more when the client calls its method of this name. In version 2.0 not all handlers have
     * it.
     */
    @SuppressWarnings("unchecked") // the interface has a type parameter
    static AsyncHandler<Response> handler(String method, Runnable then) {
        List<Class<?>> types = new ArrayList<>();
        types.add(AsyncHandler.class);
        try {
            types.add(Class.forName("org.asynchttpclient.handler.AsyncHandlerExtensions"));
        } catch (ClassNotFoundException later) {
            // It is part of the other one.
        }
        AsyncHandler<Response> handler = new AsyncCompletionHandlerBase();
        return (AsyncHandler<Response>) Proxy.newProxyInstance(
                AhcTestBase.class.getClassLoader(), types.toArray(new Class<?>[0]), (proxy, called, arguments) -> {
                    if (called.getName().equals(method)) {
                        then.run();
                    }
                    return called.getDeclaringClass().isInstance(handler) ? called.invoke(handler, arguments) : null;
                });
    }

    /** Calls a setter of milliseconds, which takes an int in version 2 and a duration in version 3. */
    static <T> T millis(T builder, String setter, int millis) throws Exception {
        try {
            Method withDuration = builder.getClass().getMethod(setter, Duration.class);
            withDuration.invoke(builder, Duration.ofMillis(millis));
        } catch (NoSuchMethodException version2) {
            builder.getClass().getMethod(setter, int.class).invoke(builder, millis);
        }
        return builder;
    }

    /** Calls a setter that only some versions have. Returns whether this has. */
    static boolean set(Object builder, String setter, Class<?> type, Object value) throws Exception {
        try {
            builder.getClass().getMethod(setter, type).invoke(builder, value);
            return true;
        } catch (NoSuchMethodException absent) {
            return false;
        }
    }
}
