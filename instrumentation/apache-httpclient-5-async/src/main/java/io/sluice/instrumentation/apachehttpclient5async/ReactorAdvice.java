package io.sluice.instrumentation.apachehttpclient5async;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import net.bytebuddy.asm.Advice;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.reactor.IOSession;
import org.jspecify.annotations.Nullable;

/** The advice on HttpCore. */
final class ReactorAdvice {
    private ReactorAdvice() {}

    /** The reactor is asked to connect to an address. */
    public static final class RequestedAdvice {
        private RequestedAdvice() {}

        /** Ties the request to the connection that the calling thread opens. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(@Advice.This Object request) {
            ReactorHooks.requested(request);
        }
    }

    /** The reactor could not connect to an address. */
    public static final class FailedAdvice {
        private FailedAdvice() {}

        /** The client may go on with the next address, on this thread, and has room for it. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static @Nullable Object enter(@Advice.This Object request) {
            return ReactorHooks.failing(request);
        }

        /** The client has heard of it. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.Enter @Nullable Object failing) {
            if (failing != null) {
                ReactorHooks.failed(failing);
            }
        }
    }

    /** The reactor connects a channel. */
    public static final class ChannelAdvice {
        private ChannelAdvice() {}

        /** The channel is known before its first packet leaves. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.Argument(0) SocketChannel channel, @Advice.Argument(1) Object request)
                throws IOException {
            ReactorHooks.connecting(channel, request);
        }
    }

    /** A connection of HTTP/1 begins to speak. */
    public static final class SpeaksAdvice {
        private SpeaksAdvice() {}

        /** Ties what requests go out on to the connection. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.Argument(0) IOSession session, @Advice.FieldValue("outputChannel") Object output) {
            ReactorHooks.speaks(session, output);
        }
    }

    /** The head of a response was read. */
    public static final class AnsweredAdvice {
        private AnsweredAdvice() {}

        /** The version of a response is that of its status line. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(
                @Advice.FieldValue("outputChannel") Object output,
                @Advice.FieldValue("committedRequest") HttpRequest request,
                @Advice.Argument(0) HttpResponse response) {
            ReactorHooks.answered(output, request, response);
        }
    }
}
