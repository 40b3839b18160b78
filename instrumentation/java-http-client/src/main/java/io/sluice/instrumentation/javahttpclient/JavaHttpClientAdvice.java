package io.sluice.instrumentation.javahttpclient;

import java.io.IOException;
import java.net.http.HttpHeaders;
import java.util.concurrent.CompletableFuture;
import jdk.internal.net.http.SluiceConnections;
import jdk.internal.net.http.SluiceExchanges;
import jdk.internal.net.http.SluiceHttp2;
import jdk.internal.net.http.SluiceOpening;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;
import org.jspecify.annotations.Nullable;

/** What is inlined into the client's methods. Of the client's types only public ones can be named here. */
final class JavaHttpClientAdvice {
    private JavaHttpClientAdvice() {}

    /** {@code ExchangeImpl.get(Exchange, HttpConnection)}. */
    static final class Get {
        private Get() {}

        @Advice.OnMethodEnter(skipOn = CompletableFuture.class, suppress = Throwable.class)
        static @Nullable Object enter(
                @Advice.Argument(0) Object exchange, @Advice.Argument(1) @Nullable Object connection) throws Throwable {
            return SluiceExchanges.enter(exchange, connection);
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(
                @Advice.Enter @Nullable Object entered,
                @Advice.Return(readOnly = false, typing = Assigner.Typing.DYNAMIC) @Nullable Object result)
                throws Throwable {
            result = SluiceExchanges.exit(entered, result);
        }
    }

    /** {@code Exchange.cancel(IOException)}. */
    static final class Cancel {
        private Cancel() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(
                @Advice.This Object exchange, @Advice.Argument(value = 0, readOnly = false) IOException cause) {
            cause = SluiceExchanges.cancelled(exchange, cause);
        }
    }

    /** {@code MultiExchange.responseAsync(Executor)}. */
    static final class Start {
        private Start() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This Object multiExchange) {
            SluiceExchanges.starting(multiExchange);
        }

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.This Object multiExchange, @Advice.Return @Nullable CompletableFuture<?> response) {
            SluiceExchanges.started(multiExchange, response);
        }
    }

    /** {@code HttpClientImpl.sendAsync} with the executor as its last parameter. */
    static final class Send {
        private Send() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.Return @Nullable CompletableFuture<?> response) {
            SluiceExchanges.sent(response);
        }
    }

    /** {@code HttpClientImpl.send}. */
    static final class Interrupt {
        private Interrupt() {}

        @Advice.OnMethodExit(onThrowable = InterruptedException.class, suppress = Throwable.class)
        static void exit(@Advice.Thrown @Nullable Throwable thrown) {
            if (thrown != null) {
                SluiceExchanges.interrupted();
            }
        }
    }

    /** {@code HttpConnection.getConnection}. */
    static final class Found {
        private Found() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.AllArguments Object[] arguments, @Advice.Return @Nullable Object connection) {
            SluiceConnections.found(arguments, connection);
        }
    }

    /** {@code HttpConnection.closeOrReturnToCache(HttpHeaders)}. */
    static final class Keep {
        private Keep() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(
                @Advice.This Object connection,
                @Advice.Argument(value = 0, readOnly = false) @Nullable HttpHeaders headers) {
            headers = SluiceConnections.keepable(connection, headers);
        }
    }

    /** {@code PlainHttpConnection.connectAsync(Exchange)}. */
    static final class Connect {
        private Connect() {}

        @Advice.OnMethodEnter(skipOn = CompletableFuture.class, suppress = Throwable.class)
        static @Nullable Object enter(@Advice.This Object connection, @Advice.Argument(0) Object exchange) {
            return SluiceOpening.connecting(connection, exchange);
        }

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(
                @Advice.Enter @Nullable Object later,
                @Advice.Return(readOnly = false, typing = Assigner.Typing.DYNAMIC) @Nullable Object result) {
            if (later != null) {
                result = later;
            }
        }
    }

    /** {@code ConnectionPool.returnToPool(HttpConnection)}. */
    static final class Return {
        private Return() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static @Nullable Object enter(@Advice.Argument(0) Object connection) {
            return SluiceConnections.returning(connection);
        }

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.Argument(0) Object connection, @Advice.Enter @Nullable Object lease) {
            SluiceConnections.returned(connection, lease);
        }
    }

    /** {@code Http1Response.advance(State)}. */
    static final class Advance {
        private Advance() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This Object response, @Advice.Argument(0) Object from) throws Throwable {
            SluiceConnections.advancing(response, from);
        }
    }

    /** {@code Http2ClientImpl.offerConnection(Http2Connection)}. */
    static final class Offer {
        private Offer() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.Argument(0) Object connection) throws Throwable {
            SluiceHttp2.offered(connection);
        }
    }

    /** {@code Http2Connection.handleSettings(SettingsFrame)}. */
    static final class Settings {
        private Settings() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.This Object connection) throws Throwable {
            SluiceHttp2.settingsKnown(connection);
        }
    }

    /** {@code Http2Connection.closeStream(int)} and {@code abandonStream()}. */
    static final class StreamClosed {
        private StreamClosed() {}

        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        static void exit(@Advice.This Object connection) throws Throwable {
            SluiceHttp2.streamClosed(connection);
        }
    }
}
