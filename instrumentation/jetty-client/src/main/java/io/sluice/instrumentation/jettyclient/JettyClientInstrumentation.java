package io.sluice.instrumentation.jettyclient;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/**
 * Hooks on the destinations of the client, of which there is one for every origin, proxy and protocol. All transports go
 * through them. With 12 the classes moved to another package; their methods are the same.
 */
public final class JettyClientInstrumentation implements ClientInstrumentation {
    private static final String PACKAGE = "io.sluice.instrumentation.jettyclient.";
    private static final String HERE = PACKAGE + "JettyClientInstrumentation$";
    private static final String CLIENT = "org.eclipse.jetty.client.";

    @Override
    public String client() {
        return "jetty-client";
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                PACKAGE + "JettyTypes",
                PACKAGE + "QueuedExchange$State",
                PACKAGE + "QueuedExchange",
                PACKAGE + "ConnectionUse$1",
                PACKAGE + "ConnectionUse",
                PACKAGE + "ConnectionCloser$1",
                PACKAGE + "ConnectionCloser",
                PACKAGE + "Passage",
                PACKAGE + "Asks",
                PACKAGE + "RoundRobin",
                PACKAGE + "Opening$1",
                PACKAGE + "Opening$2",
                PACKAGE + "Opening$3",
                PACKAGE + "Opening$4",
                PACKAGE + "Opening$Room",
                PACKAGE + "Opening",
                PACKAGE + "Openings$1",
                PACKAGE + "Openings",
                PACKAGE + "ExchangeQueue$GoOn",
                PACKAGE + "LeaseWait$1",
                PACKAGE + "LeaseWait",
                PACKAGE + "ExchangeQueue",
                PACKAGE + "JettyHooks");
    }

    @Override
    public List<Hook> hooks() {
        List<Hook> hooks = new ArrayList<>();
        add(hooks, CLIENT, CLIENT + "api.Connection");
        add(hooks, CLIENT + "transport.", CLIENT + "Connection");
        hooks.add(Hook.on(CLIENT + "AbstractConnectionPool")
                .method("preCreateConnections")
                .parameters(1)
                .advice(HERE + "AheadAdvice")
                .optional()); // since 9.4.25
        hooks.add(Hook.on(CLIENT + "RoundRobinConnectionPool")
                .method("activate")
                .parameters(0)
                .advice(HERE + "TurnAdvice")
                .optional()); // up to 9.4.28
        return hooks;
    }

    private static void add(List<Hook> hooks, String transport, String connectionType) {
        String destination = transport + "HttpDestination";
        String connection = "(L" + connectionType.replace('.', '/') + ";)";
        hooks.addAll(Arrays.asList(
                Hook.on(destination).method(Hook.CONSTRUCTOR).advice(HERE + "QueueAdvice"),
                Hook.on(destination).method("newConnection").parameters(1).advice(HERE + "ConnectAdvice"),
                Hook.on(destination).method("process").descriptor(connection).advice(HERE + "ProcessAdvice"),
                Hook.on(destination).method("release").descriptor(connection).advice(HERE + "ReleaseAdvice"),
                Hook.on(destination).method("remove").descriptor(connection).advice(HERE + "RemoveAdvice"),
                Hook.on(transport + "HttpExchange")
                        .method("associate")
                        .parameters(1)
                        .advice(HERE + "AssociateAdvice"),
                Hook.on(transport + "HttpExchange")
                        .method("disassociate")
                        .parameters(1)
                        .advice(HERE + "DisassociateAdvice"),
                // With 12 there is a second parameter, a promise of the outcome.
                Hook.on(transport + "HttpExchange")
                        .method("abort")
                        .descriptor("(Ljava/lang/Throwable;")
                        .advice(HERE + "AbortAdvice"),
                Hook.on(transport + "HttpReceiver")
                        .method("responseBegin")
                        .parameters(1)
                        .advice(HERE + "AnswerAdvice"),
                // Since 9.4.53, 10.0.16 and 11.0.16.
                Hook.on(destination)
                        .method("sweep")
                        .parameters(0)
                        .advice(HERE + "SweepAdvice")
                        .optional(),
                Hook.on(destination).method("doStop").parameters(0).advice(HERE + "StopAdvice")));
    }

    /** A round robin pool is about to take the connection whose turn it is. */
    public static final class TurnAdvice {
        private TurnAdvice() {}

        /** Where no further connection may be opened, it is an open one's turn. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.This Object pool) throws ReflectiveOperationException {
            JettyHooks.takesTurn(pool);
        }
    }

    /** A destination is made. */
    public static final class QueueAdvice {
        private QueueAdvice() {}

        /** Exchanges join the queue by asking for a lease. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This Object destination,
                @Advice.FieldValue(value = "exchanges", readOnly = false) Queue<?> exchanges) {
            exchanges = JettyHooks.queue(destination, exchanges);
        }
    }

    /** A destination opens a connection. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Opens it now, with a promise of ours, or later. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static boolean enter(
                @Advice.This Object destination,
                @Advice.Argument(value = 0, readOnly = false) @Nullable Promise<?> promise) {
            if (promise == null) {
                return false;
            }
            Promise<?> now = JettyHooks.connecting(destination, promise);
            if (now != null) {
                promise = now;
            }
            return now == null;
        }
    }

    /** A destination has taken a connection out of its pool, and looks for an exchange. */
    public static final class ProcessAdvice {
        private ProcessAdvice() {}

        /** The exchange that is taken out of the queue next goes on this connection. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) Object connection) {
            return JettyHooks.processing(connection);
        }

        /** It was sent, or not. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object passage) {
            if (passage != null) {
                JettyHooks.processed(passage);
            }
        }
    }

    /** A connection goes back to its pool. */
    public static final class ReleaseAdvice {
        private ReleaseAdvice() {}

        /** From the first moment in the pool on it may be taken again: remember whose it is now. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) Object connection) {
            return JettyHooks.releasing(connection);
        }

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Argument(0) Object connection, @Advice.Enter @Nullable Object over) {
            if (over != null) {
                JettyHooks.released(connection, over);
            }
        }
    }

    /** A connection leaves its destination. */
    public static final class RemoveAdvice {
        private RemoveAdvice() {}

        /** Where no socket tells of the end, this does. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Argument(0) Object connection) {
            JettyHooks.removed(connection);
        }
    }

    /** An exchange is tied to a connection. */
    public static final class AssociateAdvice {
        private AssociateAdvice() {}

        /** From now on its end tells. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object exchange, @Advice.Return boolean done) {
            JettyHooks.associated(exchange, done);
        }
    }

    /** An exchange is over. */
    public static final class DisassociateAdvice {
        private DisassociateAdvice() {}

        /** A stream has ended. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object exchange) {
            JettyHooks.disassociated(exchange);
        }
    }

    /** An exchange is given up, by the program or because of its total timeout. */
    public static final class AbortAdvice {
        private AbortAdvice() {}

        /** A timeout in the queue says what was waited for. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.This Object exchange, @Advice.Argument(value = 0, readOnly = false) Throwable cause) {
            cause = JettyHooks.aborted(exchange, cause);
        }
    }

    /** The head of a response begins: its status line has been read. */
    public static final class AnswerAdvice {
        private AnswerAdvice() {}

        /** The version of a response is that of its status line. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.Argument(value = 0, typing = Assigner.Typing.DYNAMIC) Object exchange) {
            JettyHooks.answered(exchange);
        }
    }

    /** The client looks whether a destination has not been used for long. */
    public static final class SweepAdvice {
        private SweepAdvice() {}

        /** One with exchanges that wait is in use. */
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class, suppress = Throwable.class)
        public static boolean enter(@Advice.This Object destination) {
            return JettyHooks.isAwaited(destination);
        }
    }

    /** A destination is stopped, with its client or alone. */
    public static final class StopAdvice {
        private StopAdvice() {}

        /** Connections that were not opened yet never are. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object destination) {
            JettyHooks.closed(destination);
        }
    }

    /** A pool opens connections ahead of need. */
    public static final class AheadAdvice {
        private AheadAdvice() {}

        /** They wait for leases of their own. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter() {
            return JettyHooks.openingAhead();
        }

        /** No more. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object before) {
            JettyHooks.openedAhead(before);
        }
    }
}
