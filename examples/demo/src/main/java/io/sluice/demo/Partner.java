package io.sluice.demo;

import io.sluice.instrumentation.testing.Exchange;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The partner's server: needs {@value #ANSWER_MILLIS} ms for every invoice, and has its connections counted by the
 * kernel. Safe for any thread.
 */
final class Partner implements AutoCloseable {
    static final int ANSWER_MILLIS = 80;

    private static final Pattern PATH = Pattern.compile("/invoices/(\\d+)\\.xml");
    private static final Pattern WORKER = Pattern.compile("report-job/\\S+ \\((.+)\\)");

    private final TestServer server;
    private final @Nullable KernelMeter meter;
    private final List<Served> served = new ArrayList<>();

    /**
     * One exchange as the server saw it, in nanoseconds since the epoch. The end is taken before the first byte of the
     * answer leaves, so that what the client does afterwards is later on every clock.
     */
    record Served(String worker, long arrivedNanos, long answeredNanos) {}

    Partner() {
        server = TestServer.builder().on("invoices", this::answer).start();
        meter = KernelMeter.available() ? KernelMeter.start(server.port()) : null;
    }

    /** The address to give to the job. */
    String url() {
        return server.url("");
    }

    int port() {
        return server.port();
    }

    /** The most connections that the kernel saw at one moment; empty where it does not tell. */
    OptionalInt mostConnections() {
        return meter == null ? OptionalInt.empty() : OptionalInt.of(meter.max());
    }

    int acceptedConnections() {
        return server.acceptedConnections();
    }

    /** All exchanges so far, in the order in which they ended. */
    List<Served> served() {
        synchronized (served) {
            return List.copyOf(served);
        }
    }

    /** What the first so many invoices come to. */
    static BigDecimal total(int invoices) {
        BigDecimal total = BigDecimal.ZERO;
        for (int number = 1001; number <= 1000 + invoices; number++) {
            total = total.add(amount(number));
        }
        return total;
    }

    @Override
    public void close() {
        if (meter != null) {
            meter.close();
        }
        server.close();
    }

    private void answer(Exchange exchange) throws IOException, InterruptedException {
        long arrivedNanos = epochNanos();
        Matcher path = PATH.matcher(exchange.request().path());
        if (!path.matches()) {
            exchange.send(404, "no such invoice");
            return;
        }
        int number = Integer.parseInt(path.group(1));
        Thread.sleep(ANSWER_MILLIS);
        Matcher worker =
                WORKER.matcher(Objects.requireNonNullElse(exchange.request().header("User-Agent"), ""));
        synchronized (served) {
            served.add(new Served(worker.matches() ? worker.group(1) : "?", arrivedNanos, epochNanos()));
        }
        exchange.send(200, "<invoice><number>" + number + "</number><amount>" + amount(number) + "</amount></invoice>");
    }

    private static BigDecimal amount(int number) {
        return BigDecimal.valueOf(number * 7919L % 100_000, 2);
    }

    private static long epochNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }
}
