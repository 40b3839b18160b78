package io.sluice.instrumentation.testing;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP server on a raw socket of the loopback interface, with a daemon thread for each connection. It answers HTTP/1.1
 * with keep-alive and {@code Content-Length} unless it is built otherwise, and never closes an idle connection itself.
 *
 * <p>The first segment of the path chooses the behaviour; any other path is answered with 200 and {@code ok}, or with
 * {@code ?bytes=} of them:
 *
 * <ul>
 *   <li>{@code /slow?ms=50}: answers after a delay. {@code ?ms=} and {@code ?bytes=} work with other paths too
 *   <li>{@code /status/500?bytes=3000}: that status; 204 and 304 without a body
 *   <li>{@code /bytes/100000}, {@code /chunked/100000?piece=1000}: a body with a length, or in chunks
 *   <li>{@code /close}: length and {@code Connection: close}; {@code /close-delimited}: no length, closes
 *   <li>{@code /redirect?to=/x&status=302}: redirects, keeping the connection
 *   <li>{@code /auth}: 401 with a Basic challenge until {@link #USER} and {@link #PASSWORD} come
 *   <li>{@code /reset}: resets the connection after reading the request; {@code /hangup?bytes=1000}: closes it after
 *       half of the body; {@code /never}: never answers, until client or server closes
 *   <li>{@code /drip?bytes=1000&pieces=10&pause=5}: the body in pieces, with pauses in milliseconds
 *   <li>{@code /echo}: reads the body and answers its size in bytes as text
 *   <li>{@code /hold}: answers when the test says {@link #letGo()}
 * </ul>
 *
 * <p>{@code HEAD} and {@code Expect: 100-continue} are understood. Every answer has an {@code X-Connection} field with
 * the number of its connection, the first one being 1. All methods may be called by any thread.
 */
public final class TestServer implements AutoCloseable {
    /** The user that {@code /auth} wants. */
    public static final String USER = "sluice";

    /** The password that {@code /auth} wants. */
    public static final String PASSWORD = "secret";

    private static final String HOLD = "hold";

    private static final long AWAIT_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Builder built;
    private final Map<String, Behaviour> behaviours;
    private final @Nullable SSLContext tls;
    private final Listener listener;
    private final Gate gate = new Gate();
    private final AtomicInteger responses = new AtomicInteger();
    private final List<TestRequest> requests = new ArrayList<>();
    private int arrivals;

    private TestServer(Builder built) throws IOException {
        this.built = built;
        behaviours = new HashMap<>(Behaviours.standard());
        behaviours.putAll(built.behaviours);
        tls = built.tls ? TestTls.serverContext() : null;
        listener = new Listener(built.ipv6, this::serve);
    }

    /** A running server with the defaults. */
    public static TestServer start() {
        return builder().start();
    }

    /** A server to be configured and started. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address that clients use: {@code 127.0.0.1}, or {@code [::1]}. */
    public String host() {
        return built.ipv6 ? "[::1]" : "127.0.0.1";
    }

    /** The port. */
    public int port() {
        return listener.port();
    }

    /** The address of a path, which begins with a slash, as text. */
    public String url(String path) {
        return (built.tls ? "https://" : "http://") + host() + ":" + port() + path;
    }

    /** The address of a path, which begins with a slash. */
    public URI uri(String path) {
        return URI.create(url(path));
    }

    /** The requests in the order in which their headers arrived. */
    public List<TestRequest> requests() {
        synchronized (requests) {
            return new ArrayList<>(requests);
        }
    }

    /** The targets (path and query) of {@link #requests()}. */
    public List<String> targets() {
        List<String> targets = new ArrayList<>();
        for (TestRequest request : requests()) {
            targets.add(request.target());
        }
        return targets;
    }

    /**
     * Blocks until at least so many requests have arrived since the start or {@link #forgetRequests()}.
     *
     * @throws TimeoutException after 20 seconds
     */
    public void awaitRequests(int count) throws InterruptedException, TimeoutException {
        long deadline = System.nanoTime() + AWAIT_NANOS;
        synchronized (requests) {
            while (requests.size() < count) {
                long leftNanos = deadline - System.nanoTime();
                if (leftNanos <= 0) {
                    throw new TimeoutException("waited for " + count + " requests, there are " + requests);
                }
                TimeUnit.NANOSECONDS.timedWait(requests, leftNanos);
            }
        }
    }

    /** Empties {@link #requests()}. */
    public void forgetRequests() {
        synchronized (requests) {
            requests.clear();
        }
    }

    /** How many connections were accepted since the start. */
    public int acceptedConnections() {
        return listener.accepted();
    }

    /** How many responses were begun; a client that has read one finds it counted. */
    public int responses() {
        return responses.get();
    }

    /** Answers all requests of {@code /hold}: those that wait, and those to come. */
    public void letGo() {
        gate.open();
    }

    /** Answers the next {@code count} requests of {@code /hold} in their order of arrival, those to come included. */
    public void letGo(int count) {
        gate.permit(count);
    }

    /** Holds the requests of {@code /hold} again, after {@link #letGo()}. */
    public void holdAgain() {
        gate.shut();
    }

    /** How many requests of {@code /hold} wait. */
    public int held() {
        return gate.held();
    }

    /** Closes the connections on which no request is under way, as servers do after a while. */
    public void closeIdleConnections() {
        listener.closeIdle();
    }

    /** Stops listening and closes all connections, whatever is under way. */
    @Override
    public void close() {
        listener.close();
    }

    boolean isHttp10() {
        return built.http10;
    }

    boolean isKeepAlive() {
        return built.keepAlive;
    }

    Exchange.Framing framing() {
        return built.chunked ? Exchange.Framing.CHUNKED : Exchange.Framing.LENGTH;
    }

    void countResponse() {
        responses.incrementAndGet();
    }

    private void serve(Listener.Connection connection) throws IOException, InterruptedException {
        Socket socket = tls == null ? connection.socket : TestTls.layerOn(connection.socket, tls);
        HttpInput in = new HttpInput(socket.getInputStream());
        OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 16384);
        TestRequest request = TestRequest.readHead(in, connection.number);
        while (request != null) {
            connection.begin();
            int arrival = record(request);
            Exchange exchange = new Exchange(this, request, in, out, connection);
            try {
                request.readBody(in, out);
                answer(exchange, arrival);
            } finally {
                gate.gone(arrival);
            }
            if (!exchange.isKeepAlive()) {
                break;
            }
            request = TestRequest.readHead(in, connection.number);
        }
        socket.close();
    }

    private void answer(Exchange exchange, int arrival) throws IOException, InterruptedException {
        TestRequest request = exchange.request();
        int delayMillis = request.query("ms", built.delayMillis);
        if (delayMillis > 0) {
            Thread.sleep(delayMillis);
        }
        String segment = segment(request);
        if (segment.equals(HOLD)) {
            gate.pass(arrival);
        }
        Behaviour behaviour = behaviours.get(segment);
        if (behaviour != null) {
            behaviour.answer(exchange);
        } else if (request.query("bytes", built.bodyBytes) >= 0) {
            exchange.send(200, Behaviours.body(exchange, built.bodyBytes));
        } else {
            exchange.send(200, "ok");
        }
    }

    /** The first one of the path. */
    private static String segment(TestRequest request) {
        String[] segments = request.path().split("/", 3);
        return segments.length > 1 ? segments[1] : "";
    }

    private int record(TestRequest request) {
        synchronized (requests) {
            if (segment(request).equals(HOLD)) {
                gate.arrives(arrivals); // before a test sees the request, and gives a permit for it
            }
            requests.add(request);
            requests.notifyAll();
            return arrivals++;
        }
    }

    /** The choices that hold for the whole server. For one thread. */
    public static final class Builder {
        private final Map<String, Behaviour> behaviours = new HashMap<>();
        private boolean http10;
        private boolean tls;
        private boolean ipv6;
        private boolean chunked;
        private boolean keepAlive = true;
        private int delayMillis;
        private int bodyBytes = -1;

        private Builder() {}

        /**
         * Answers with {@code HTTP/1.0}, never in chunks, and closes after each answer unless the request says
         * {@code Connection: keep-alive}.
         */
        public Builder http10() {
            http10 = true;
            return this;
        }

        /** Speaks TLS, with the certificate of {@link TestTls}. */
        public Builder tls() {
            tls = true;
            return this;
        }

        /** Listens on {@code [::1]} instead of {@code 127.0.0.1}; {@link #start()} fails where there is none. */
        public Builder ipv6() {
            ipv6 = true;
            return this;
        }

        /** Sends bodies in chunks where the path does not say otherwise. */
        public Builder chunked() {
            chunked = true;
            return this;
        }

        /** Closes after every answer, whatever the request says. */
        public Builder withoutKeepAlive() {
            keepAlive = false;
            return this;
        }

        /** Delays every answer whose request has no {@code ?ms=}. */
        public Builder delayMillis(int millis) {
            delayMillis = millis;
            return this;
        }

        /** The length of the body of paths without a behaviour of their own. */
        public Builder bodyBytes(int bytes) {
            bodyBytes = bytes;
            return this;
        }

        /** A behaviour for the paths whose first segment this is, for example {@code "report"} for {@code /report/7}. */
        public Builder on(String segment, Behaviour behaviour) {
            behaviours.put(segment, behaviour);
            return this;
        }

        /** Starts the server on a free port. */
        public TestServer start() {
            try {
                TestServer server = new TestServer(this);
                server.listener.start("test-server");
                return server;
            } catch (IOException e) {
                throw new IllegalStateException("cannot listen on the loopback interface", e);
            }
        }
    }
}
