package io.sluice.instrumentation.vertx;

import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;
import org.jspecify.annotations.Nullable;

/** What is inlined into the classes of Vert.x 3.9 and 4.0. */
final class Vertx3Advice {
    private Vertx3Advice() {}

    /** {@code ConnectionManager.getConnection} with the handler as its fifth parameter. */
    static final class Ask {
        private Ask() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        static boolean enter(
                @Advice.This Object manager,
                @Advice.AllArguments Object[] arguments,
                @Advice.Argument(value = 4, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object handler)
                throws Throwable {
            Object told = VertxHooks.asking(manager, arguments);
            if (told == null) {
                return true;
            }
            handler = told;
            return false;
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit() {
            VertxHooks.asked();
        }
    }

    /** {@code Pool.getConnection(Handler)}. */
    static final class Enter {
        private Enter() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This Object pool) {
            VertxHooks.entering(pool);
        }

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.Return boolean taken) {
            if (!taken) {
                VertxHooks.turnedAway();
            }
        }
    }

    /** 4.0: {@code ClientHttpStreamEndpoint.requestConnection2(ContextInternal, Handler)}. */
    static final class AskPool {
        private AskPool() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        static boolean enter(
                @Advice.FieldValue("pool") Object pool,
                @Advice.Argument(0) Object context,
                @Advice.Argument(value = 1, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object handler)
                throws Throwable {
            Object told = VertxHooks.askingPool(pool, context, handler);
            if (told == null) {
                return true;
            }
            handler = told;
            return false;
        }
    }

    /** {@code Pool.Holder.onRecycle}. */
    static final class Recycle {
        private Recycle() {}

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.FieldValue("connection") @Nullable Object connection) {
            VertxHooks.holderRecycled(connection);
        }
    }

    /** 4.0.3: {@code Lease.recycle}. */
    static final class RecycleLease {
        private RecycleLease() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.This Object lease) throws Throwable {
            VertxHooks.leaseRecycled(lease);
        }
    }

    /** 4.0: {@code Pool.Holder.onConcurrencyChange}. */
    static final class Concurrency {
        private Concurrency() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.FieldValue("connection") @Nullable Object connection) {
            VertxHooks.concurrencyChanged3(connection);
        }
    }

    /**
     * {@code HttpChannelConnector.connect(ConnectionListener, ContextInternal, Handler)}, and the same of {@code
     * HttpConnectionProvider} in 4.0.3.
     */
    static final class Connect {
        private Connect() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        static boolean enter(
                @Advice.This Object connector,
                @Advice.Argument(0) Object holder,
                @Advice.Argument(1) Object context,
                @Advice.Argument(value = 2, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object handler)
                throws Throwable {
            Object told = VertxHooks.connecting3(connector, holder, context, handler);
            if (told == null) {
                return true;
            }
            handler = told;
            return false;
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit() {
            VertxHooks.poolConnected();
        }
    }

    /** {@code HttpClientRequestImpl.connect(Handler)}. */
    static final class Request {
        private Request() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This Object request) {
            VertxHooks.requesting(request);
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit() {
            VertxHooks.requesting(null);
        }
    }

    /** {@code HttpClientRequestImpl.reset(Throwable)}. */
    static final class Reset {
        private Reset() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This Object request, @Advice.Argument(value = 0, readOnly = false) Throwable cause) {
            cause = VertxHooks.resetting(request, cause);
        }
    }

    /** 4.0: {@code HttpClientImpl.request} with all that a request may have, the promise of it last. */
    static final class Promised {
        private Promised() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.Argument(10) Object promise) {
            VertxHooks.requesting(promise);
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit() {
            VertxHooks.requesting(null);
        }
    }

    /** 4.0: what {@code HttpClientImpl.request} does when a request that is not made yet has timed out. */
    static final class TimedOut {
        private TimedOut() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.Argument(0) Object promise) {
            VertxHooks.timingOut(promise);
        }
    }
}
