package io.sluice.instrumentation.javahttpclient;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Arrays;
import java.util.List;

/**
 * Where {@code java.net.http} takes, opens, returns and closes a connection. Member names are those of JDK 11.0.24, 11.0.33,
 * 17, 21, 25 and 27, where they are the same but for what is said below.
 */
public final class JavaHttpClientInstrumentation implements ClientInstrumentation {
    private static final String CLIENT = "jdk.internal.net.http.";
    private static final String ADVICE = "io.sluice.instrumentation.javahttpclient.JavaHttpClientAdvice$";

    @Override
    public String client() {
        return "java-http-client";
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                Hook.on(CLIENT + "ExchangeImpl").method("get").parameters(2).advice(ADVICE + "Get"),
                Hook.on(CLIENT + "Exchange")
                        .method("cancel")
                        .descriptor("(Ljava/io/IOException;)V")
                        .advice(ADVICE + "Cancel"),
                // The returned future is the program's up to a copy; what fails there has failed for good.
                Hook.on(CLIENT + "MultiExchange")
                        .method("responseAsync")
                        .parameters(1)
                        .advice(ADVICE + "Start"),
                Hook.on(CLIENT + "HttpClientImpl")
                        .method("sendAsync")
                        .parameters(4)
                        .advice(ADVICE + "Send"),
                Hook.on(CLIENT + "HttpClientImpl").method("send").parameters(2).advice(ADVICE + "Interrupt"),
                // Four parameters, five since 26.
                Hook.on(CLIENT + "HttpConnection").method("getConnection").advice(ADVICE + "Found"),
                Hook.on(CLIENT + "HttpConnection")
                        .method("closeOrReturnToCache")
                        .parameters(1)
                        .advice(ADVICE + "Keep"),
                // Plain, proxied, tunnelled, TLS and HTTP/2 connections all connect by one of these.
                Hook.on(CLIENT + "PlainHttpConnection")
                        .method("connectAsync")
                        .parameters(1)
                        .advice(ADVICE + "Connect"),
                Hook.on(CLIENT + "ConnectionPool")
                        .method("returnToPool")
                        .parameters(1)
                        .advice(ADVICE + "Return"),
                Hook.on(CLIENT + "Http1Response")
                        .method("advance")
                        .parameters(1)
                        .advice(ADVICE + "Advance"),
                Hook.on(CLIENT + "Http2ClientImpl")
                        .method("offerConnection")
                        .parameters(1)
                        .advice(ADVICE + "Offer"),
                Hook.on(CLIENT + "Http2Connection")
                        .method("handleSettings")
                        .parameters(1)
                        .advice(ADVICE + "Settings"),
                Hook.on(CLIENT + "Http2Connection")
                        .method("closeStream")
                        .descriptor("(I)V")
                        .advice(ADVICE + "StreamClosed"),
                // Since 27.
                Hook.on(CLIENT + "Http2Connection")
                        .method("abandonStream")
                        .parameters(0)
                        .advice(ADVICE + "StreamClosed")
                        .optional());
    }

    @Override
    public List<String> helpers() {
        return Arrays.asList(
                CLIENT + "SluiceInternals",
                CLIENT + "SluiceHttp2Internals",
                CLIENT + "SluiceHttp2$State",
                CLIENT + "SluiceHttp2",
                CLIENT + "SluiceStreams",
                CLIENT + "SluiceWaiting$Step",
                CLIENT + "SluiceWaiting",
                CLIENT + "SluiceExchanges$Passage",
                CLIENT + "SluiceExchanges",
                CLIENT + "SluiceOpening",
                CLIENT + "SluiceConnections");
    }
}
