package io.sluice.instrumentation.apachehttpclient5async;

import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import net.bytebuddy.asm.Advice;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.reactor.AbstractIOSessionPool;
import org.apache.hc.core5.reactor.IOSession;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** The advice on the clients that speak HTTP/2 only. */
final class SessionAdvice {
    private SessionAdvice() {}

    /** An exchange acquires its host's session. */
    public static final class AcquireAdvice {
        private AcquireAdvice() {}

        /** Tells for whom the pool will be asked. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.This Object runtime,
                @Advice.FieldValue("sessionRef") AtomicReference<?> session,
                @Advice.Argument(3) HttpClientContext context) {
            return SessionHooks.acquiring(runtime, session, context);
        }

        /** The pool was asked. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object asking) {
            if (asking != null) {
                SessionHooks.acquired(asking);
            }
        }
    }

    /** An exchange lets go of its session, or finds out that it cannot use it any more. */
    public static final class ReleaseAdvice {
        private ReleaseAdvice() {}

        /** It is no user of the session from now on. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.This Object runtime, @Advice.FieldValue("sessionRef") AtomicReference<?> session) {
            SessionHooks.maybeReleased(runtime, session);
        }
    }

    /** The minimal client executes an exchange. */
    public static final class ExecuteAdvice {
        private ExecuteAdvice() {}

        /** Has the end of the exchange told. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(
                @Advice.Argument(value = 0, readOnly = false) AsyncClientExchangeHandler handler) {
            CountedHandler counted = SessionHooks.executing(handler);
            if (counted == null) {
                return null;
            }
            handler = counted;
            return SessionHooks.asking(counted);
        }

        /** The pool was asked. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object asking) {
            if (asking != null) {
                SessionHooks.acquired(asking);
            }
        }
    }

    /** The pool is asked for the session of a host. */
    public static final class GetAdvice {
        private GetAdvice() {}

        /** Takes the place in the queue; does not wait, but hands out a future of ours where it would have to. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Future<IOSession> enter(
                @Advice.This AbstractIOSessionPool<?> pool,
                @Advice.Argument(0) Object endpoint,
                @Advice.Argument(1) Timeout timeout,
                @Advice.Argument(value = 2, readOnly = false) FutureCallback<IOSession> callback,
                @Advice.Local("session") Gated<IOSession> session) {
            session = SessionHooks.getting(pool, endpoint, timeout, callback);
            if (session != null && session.standsIn()) {
                return session;
            }
            callback = session == null ? callback : session;
            return null;
        }

        /** Hands our future out. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Future<IOSession> ours,
                @Advice.Local("session") Gated<IOSession> session,
                @Advice.Thrown @Nullable Throwable thrown,
                @Advice.Return(readOnly = false) Future<IOSession> returned) {
            if (ours != null) {
                returned = ours;
            } else if (session != null && thrown != null) {
                session.thrown();
            }
        }
    }

    /** The pool opens the session of a host, with a lock held. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Takes room; does not wait, but hands out a future of ours where it would have to. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static @Nullable Future<IOSession> enter(
                @Advice.This AbstractIOSessionPool<?> pool,
                @Advice.Argument(0) Object endpoint,
                @Advice.Argument(1) Timeout timeout,
                @Advice.Argument(value = 2, readOnly = false) FutureCallback<IOSession> callback,
                @Advice.Local("connect") GatedConnect<IOSession> connect) {
            connect = SessionHooks.connecting(pool, endpoint, timeout, callback);
            if (connect == null) {
                return null;
            }
            if (connect.standsIn()) {
                return connect;
            }
            callback = connect;
            connect.begin();
            return null;
        }

        /** Hands our future out, or ends the connecting on this thread. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Future<IOSession> ours,
                @Advice.Local("connect") GatedConnect<IOSession> connect,
                @Advice.Thrown @Nullable Throwable thrown,
                @Advice.Return(readOnly = false) Future<IOSession> returned) {
            if (ours != null) {
                returned = ours;
            } else if (connect != null) {
                connect.end(thrown);
            }
        }
    }

    /** A pool is closed. */
    public static final class CloseAdvice {
        private CloseAdvice() {}

        /** Whoever waits on its behalf is cancelled, as the pool does with its own. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This AbstractIOSessionPool<?> pool) {
            SessionHooks.closed(pool);
        }
    }
}
