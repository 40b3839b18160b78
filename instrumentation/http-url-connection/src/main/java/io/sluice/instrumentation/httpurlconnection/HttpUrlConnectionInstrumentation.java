package io.sluice.instrumentation.httpurlconnection;

import io.sluice.bridge.Refusal;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import io.sluice.instrumentation.httpurlconnection.boot.UrlConnectionHooks;
import java.net.Proxy;
import java.net.URL;
import java.util.Arrays;
import java.util.List;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner.Typing;
import org.jspecify.annotations.Nullable;

/** Hooks on {@code sun.net.www.http}; the same members on 8 to 27 unless said otherwise. */
public final class HttpUrlConnectionInstrumentation implements ClientInstrumentation {
    private static final String HERE = "io.sluice.instrumentation.httpurlconnection.HttpUrlConnectionInstrumentation$";

    @Override
    public String client() {
        return UrlConnectionHooks.CLIENT;
    }

    @Override
    public List<String> opens() {
        return Arrays.asList("java.base/sun.net", "java.base/sun.net.www", "java.base/sun.net.www.http");
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                // The one overload that the five others end in.
                Hook.on("sun.net.www.http.HttpClient")
                        .method("New")
                        .descriptor("(Ljava/net/URL;Ljava/net/Proxy;IZ")
                        .advice(HERE + "NewAdvice"),
                // All overloads that look into the cache or connect; those missing here only delegate.
                Hook.on("sun.net.www.protocol.https.HttpsClient")
                        .method("New")
                        .descriptor("(Ljavax/net/ssl/SSLSocketFactory;Ljava/net/URL;Ljavax/net/ssl/HostnameVerifier;"
                                + "Ljava/net/Proxy;ZI")
                        .advice(HERE + "NewHttpsAdvice"),
                Hook.on("sun.net.NetworkClient").method("doConnect").advice(HERE + "ConnectAdvice"),
                Hook.on("sun.net.www.http.KeepAliveCache").method("get").advice(HERE + "TakenAdvice"),
                Hook.on("sun.net.www.http.KeepAliveCache").method("put").advice(HERE + "ReturnedAdvice"),
                // (MessageHeader, ProgressSource, HttpURLConnection) up to 20, without the second from 21 on.
                Hook.on("sun.net.www.http.HttpClient").method("parseHTTP").advice(HERE + "AnsweredAdvice"),
                Hook.on("sun.net.www.protocol.http.HttpURLConnection")
                        .method("getInputStream0")
                        .advice(HERE + "HeadReadAdvice"),
                Hook.on("sun.net.www.protocol.https.HttpsClient")
                        .method("afterConnect")
                        .advice(HERE + "HandshakeAdvice"));
    }

    /** An exchange begins: the lease is taken before the cache is looked into. */
    public static final class NewAdvice {
        private NewAdvice() {}

        /** Parks until the lease is granted; only the caller's own HttpURLConnection is locked meanwhile. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(0) URL url, @Advice.Argument(1) Proxy proxy) {
            return UrlConnectionHooks.begin(url, proxy);
        }

        /** Ties the lease to the connection that was taken or opened. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object begun,
                @Advice.Return(typing = Typing.DYNAMIC) @Nullable Object client,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = UrlConnectionHooks.begun(begun, client, thrown);
        }
    }

    /** The same for https, whose arguments stand elsewhere. */
    public static final class NewHttpsAdvice {
        private NewHttpsAdvice() {}

        /** Parks until the lease is granted. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(1) URL url, @Advice.Argument(3) Proxy proxy) {
            return UrlConnectionHooks.begin(url, proxy);
        }

        /** Ties the lease to the connection that was taken or opened. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object begun,
                @Advice.Return(typing = Typing.DYNAMIC) @Nullable Object client,
                @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = UrlConnectionHooks.begun(begun, client, thrown);
        }
    }

    /** A socket is opened; also by the silent retry of a failed exchange, which then asks for a lease of its own. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** Parks until there is room; the HttpClient, which nobody else has yet, is locked meanwhile. */
        @Advice.OnMethodEnter(skipOn = Refusal.class, suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.This Object client) {
            return UrlConnectionHooks.connect(client);
        }

        /** Counts the connection, or gives its room back. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(
                @Advice.Enter @Nullable Object opening, @Advice.Thrown(readOnly = false) @Nullable Throwable thrown) {
            thrown = UrlConnectionHooks.connected(opening, thrown);
        }
    }

    /** A connection was taken out of the cache; whether it is used is seen at the exit of {@code New}. */
    public static final class TakenAdvice {
        private TakenAdvice() {}

        /** Remembers it for the calling thread. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.Return(typing = Typing.DYNAMIC) @Nullable Object client) {
            UrlConnectionHooks.taken(client);
        }
    }

    /** A connection goes back into the cache: the exchange is over. */
    public static final class ReturnedAdvice {
        private ReturnedAdvice() {}

        /** From the first moment in the cache on, another thread may take it: remember whose it is now. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.Argument(2) Object client) {
            return UrlConnectionHooks.returning(client);
        }

        /** Idle, unless taken or closed meanwhile; then the lease goes to the next. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Argument(2) Object client, @Advice.Enter @Nullable Object lease) {
            UrlConnectionHooks.returned(client, lease);
        }
    }

    /** The head of a response was read. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** The first line of the headers is the status line. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object client, @Advice.Argument(0) Object headers) {
            UrlConnectionHooks.answered(client, headers);
        }
    }

    /** The client is done with the head of a response, its redirects and challenges included: the program has the body. */
    public static final class HeadReadAdvice {
        private HeadReadAdvice() {}

        /** Also for an error status, which is thrown. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.FieldValue(value = "http", typing = Typing.DYNAMIC) @Nullable Object client) {
            UrlConnectionHooks.headRead(client);
        }
    }

    /** The TLS handshake; a read timeout inside it leaves the socket open until it is collected, on every JDK. */
    public static final class HandshakeAdvice {
        private HandshakeAdvice() {}

        /** Closes what nobody will use any more. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Object client, @Advice.Thrown @Nullable Throwable thrown) {
            if (thrown != null) {
                UrlConnectionHooks.handshakeFailed(client);
            }
        }
    }
}
