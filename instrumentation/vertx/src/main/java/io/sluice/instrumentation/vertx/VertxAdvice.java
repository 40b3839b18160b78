package io.sluice.instrumentation.vertx;

import io.vertx.core.Future;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;
import org.jspecify.annotations.Nullable;

/** What is inlined into the classes of Vert.x 4.1 and later. */
final class VertxAdvice {
    private VertxAdvice() {}

    /** {@code SimpleConnectionPool.acquire(ContextInternal, PoolWaiter.Listener, int, Handler)}. */
    static final class Acquire {
        private Acquire() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        static boolean enter(
                @Advice.This Object pool,
                @Advice.Argument(0) Object context,
                @Advice.Argument(1) Object listener,
                @Advice.Argument(2) int kind,
                @Advice.Argument(value = 3, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object handler)
                throws Throwable {
            Object told = VertxHooks.acquiring(pool, context, listener, kind, handler);
            if (told == null) {
                return true;
            }
            handler = told;
            return false;
        }
    }

    /** {@code SimpleConnectionPool.connect(Slot, PoolWaiter)}. */
    static final class PoolConnect {
        private PoolConnect() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.Argument(0) Object slot, @Advice.Argument(1) Object waiter) {
            VertxHooks.poolConnects(slot, waiter);
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit() {
            VertxHooks.poolConnected();
        }
    }

    /** {@code SimpleConnectionPool.cancel(PoolWaiter, Handler)}. */
    static final class Cancel {
        private Cancel() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        static boolean enter(
                @Advice.Argument(value = 0, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object waiter,
                @Advice.Argument(1) Object handler)
                throws Throwable {
            Object inPool = VertxHooks.cancelling(waiter, handler);
            if (inPool == null) {
                return true;
            }
            waiter = inPool;
            return false;
        }
    }

    /** {@code SimpleConnectionPool.Cancel.run()}. */
    static final class Cancelled {
        private Cancelled() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(
                @Advice.FieldValue("waiter") Object waiter, @Advice.FieldValue("cancelled") boolean cancelled) {
            if (cancelled) {
                VertxHooks.cancelled(waiter);
            }
        }
    }

    /** {@code SimpleConnectionPool.recycle(LeaseImpl)}. */
    static final class Recycle {
        private Recycle() {}

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.Argument(0) Object lease) {
            VertxHooks.recycled(lease);
        }
    }

    /** {@code SimpleConnectionPool.close(Handler)}. */
    static final class Close {
        private Close() {}

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.This Object pool) {
            VertxHooks.closing(pool);
        }
    }

    /** {@code SimpleConnectionPool.setConcurrency(Slot, long)}. */
    static final class Concurrency {
        private Concurrency() {}

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.This Object pool) throws Throwable {
            VertxHooks.concurrencyChanged(pool);
        }
    }

    /** {@code Endpoint.close()}. */
    static final class EndpointClose {
        private EndpointClose() {}

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.This Object endpoint) throws Throwable {
            VertxHooks.endpointClosed(endpoint);
        }
    }

    /** The constructor of {@code PoolWaiter}. */
    static final class Waiter {
        private Waiter() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.This Object waiter, @Advice.Argument(3) @Nullable Object handler) {
            VertxHooks.waiterMade(waiter, handler);
        }
    }

    /** {@code HttpChannelConnector.httpConnect(ContextInternal, Handler)}. */
    static final class Connect {
        private Connect() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        static boolean enter(
                @Advice.This Object connector,
                @Advice.Argument(0) Object context,
                @Advice.Argument(value = 1, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object handler)
                throws Throwable {
            Object told = VertxHooks.connecting(connector, context, handler);
            if (told == null) {
                return true;
            }
            handler = told;
            return false;
        }
    }

    /** {@code HttpChannelConnector.httpConnect(ContextInternal)} and {@code TcpHttpClientTransport.connect}. */
    static final class ConnectForFuture {
        private ConnectForFuture() {}

        @Advice.OnMethodEnter(skipOn = Future.class, suppress = Throwable.class)
        static @Nullable Object enter(@Advice.This Object connector, @Advice.AllArguments Object[] arguments)
                throws Throwable {
            return VertxHooks.connectingForFuture(connector, arguments);
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(
                @Advice.Enter @Nullable Object entered,
                @Advice.Return(readOnly = false, typing = Assigner.Typing.DYNAMIC) @Nullable Object result) {
            result = VertxHooks.connected(entered, result);
        }
    }

    /** The constructor of {@code EndpointKey}. */
    static final class Key {
        private Key() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.AllArguments Object[] arguments) {
            VertxHooks.keyed(arguments);
        }
    }

    /** {@code handleResponseBegin} of an HTTP/1.x connection. */
    static final class Answer {
        private Answer() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This Object connection, @Advice.AllArguments Object[] arguments) throws Throwable {
            VertxHooks.answered(connection, arguments);
        }
    }
}
