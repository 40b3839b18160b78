package io.sluice.instrumentation.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;

/** The behaviours that every {@link TestServer} has, by the first segment of the path. */
final class Behaviours {
    private static final String CREDENTIALS = "Basic "
            + Base64.getEncoder()
                    .encodeToString((TestServer.USER + ":" + TestServer.PASSWORD).getBytes(StandardCharsets.UTF_8));

    private Behaviours() {}

    static Map<String, Behaviour> standard() {
        Map<String, Behaviour> all = new HashMap<>();
        all.put("status", exchange -> exchange.send(argument(exchange, 200), body(exchange, 20)));
        all.put("bytes", exchange -> exchange.send(200, Exchange.Framing.LENGTH, bytes(argument(exchange, 0))));
        all.put("chunked", Behaviours::chunked);
        all.put("close", exchange -> exchange.closeAfterwards().send(200, body(exchange, 20)));
        all.put("close-delimited", exchange -> exchange.send(200, Exchange.Framing.UNTIL_CLOSE, body(exchange, 20)));
        all.put("redirect", Behaviours::redirect);
        all.put("auth", Behaviours::authenticate);
        all.put("reset", Exchange::reset);
        all.put("hangup", Behaviours::hangUp);
        all.put("never", Exchange::awaitClientClose);
        all.put("drip", Behaviours::drip);
        all.put(
                "echo",
                exchange ->
                        exchange.send(200, Integer.toString(exchange.request().body().length)));
        return all;
    }

    /** The number after the first segment of the path. */
    private static int argument(Exchange exchange, int otherwise) {
        String[] segments = exchange.request().path().split("/", -1);
        return segments.length > 2 ? Integer.parseInt(segments[2]) : otherwise;
    }

    static byte[] body(Exchange exchange, int otherwise) {
        return bytes(exchange.request().query("bytes", otherwise));
    }

    /** A body of the given length: the alphabet, repeated. */
    private static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) ('a' + i % 26);
        }
        return bytes;
    }

    private static void chunked(Exchange exchange) throws IOException {
        byte[] body = bytes(argument(exchange, 1000));
        int piece = exchange.request().query("piece", 1000);
        try (OutputStream out = exchange.open(200, Exchange.Framing.CHUNKED, -1)) {
            for (int at = 0; at < body.length; at += piece) {
                out.write(body, at, Math.min(piece, body.length - at));
            }
        }
    }

    private static void redirect(Exchange exchange) throws IOException {
        exchange.header("Location", exchange.request().query("to", "/"));
        exchange.send(exchange.request().query("status", 302), body(exchange, 20));
    }

    private static void authenticate(Exchange exchange) throws IOException {
        if (CREDENTIALS.equals(exchange.request().header("Authorization"))) {
            exchange.send(200, body(exchange, 20));
        } else {
            exchange.header("WWW-Authenticate", "Basic realm=\"test\"").send(401, body(exchange, 20));
        }
    }

    private static void hangUp(Exchange exchange) throws IOException {
        byte[] body = body(exchange, 1000);
        OutputStream out = exchange.open(200, Exchange.Framing.LENGTH, body.length);
        out.write(body, 0, body.length / 2);
        exchange.hangUp();
    }

    private static void drip(Exchange exchange) throws IOException, InterruptedException {
        byte[] body = body(exchange, 1000);
        int pieces = exchange.request().query("pieces", 10);
        int pauseMillis = exchange.request().query("pause", 5);
        int piece = Math.max(1, body.length / pieces);
        try (OutputStream out = exchange.open(200, exchange.framing(), body.length)) {
            for (int at = 0; at < body.length; at += piece) {
                out.write(body, at, Math.min(piece, body.length - at));
                out.flush();
                Thread.sleep(pauseMillis);
            }
        }
    }
}
