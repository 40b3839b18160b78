package io.sluice.agent;

import io.sluice.instrumentation.testing.Behaviour;
import io.sluice.instrumentation.testing.Exchange;
import io.sluice.instrumentation.testing.TestServer;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** How the servers of these tests answer. */
final class Answers {

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    /** The request's parameter {@code text}, a dot, five hundred more bytes, and {@code .end}. */
    static final Behaviour SAY = exchange -> exchange.send(200, text(exchange));

    /** What {@code ?then=} says: {@code reset}, {@code hangup} within the body, {@code never}; or else {@link #SAY}. */
    static final Behaviour SAY_OR_FAIL = exchange -> {
        switch (exchange.request().query("then", "say")) {
            case "reset":
                exchange.reset();
                break;
            case "hangup":
                hangUp(exchange);
                break;
            case "never":
                exchange.awaitClientClose();
                break;
            default:
                SAY.answer(exchange);
        }
    };

    private Answers() {}

    /** A server that answers {@code /say?text=x} at once, and {@code /hold?text=x} when the test lets it go. */
    static TestServer.Builder server() {
        return TestServer.builder().on("say", SAY_OR_FAIL).on("hold", SAY_OR_FAIL);
    }

    /** Waits until these servers together hold so many requests; fails if they never do. */
    static void awaitHeld(int count, TestServer... servers) throws InterruptedException {
        long start = System.nanoTime();
        while (Arrays.stream(servers).mapToInt(TestServer::held).sum() < count) {
            if (System.nanoTime() - start > PATIENCE_NANOS) {
                throw new AssertionError(
                        Arrays.stream(servers).map(TestServer::requests).collect(Collectors.toList())
                                + " are held, not " + count);
            }
            Thread.sleep(5);
        }
    }

    private static String text(Exchange exchange) {
        char[] more = new char[500];
        Arrays.fill(more, 'x');
        return exchange.request().query("text", "nothing") + "." + new String(more) + ".end";
    }

    private static void hangUp(Exchange exchange) throws IOException {
        try (OutputStream body = exchange.open(200, Exchange.Framing.LENGTH, 1000)) {
            body.write(new byte[300]);
            exchange.hangUp();
        }
    }
}
