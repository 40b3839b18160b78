package io.sluice.instrumentation.testing;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A forward proxy on the loopback interface: requests in absolute form and CONNECT tunnels (RFC 9110, 7.3.2 and 9.3.6).
 * It keeps the connections of its clients, and opens one upstream connection for each plain request, closed afterwards.
 *
 * <p>It always connects to the loopback interface, whatever host a request names: a test may use host names that do not
 * exist, and cannot leave the machine. All methods may be called by any thread.
 */
public final class TestProxy implements AutoCloseable {
    private final Builder built;
    private final Listener listener;
    private final List<TestRequest> requests = new ArrayList<>();
    private final AtomicInteger plainRequests = new AtomicInteger();
    private final AtomicInteger tunnels = new AtomicInteger();

    private TestProxy(Builder built) throws IOException {
        this.built = built;
        listener = new Listener(false, connection -> new ProxyConnection(this, connection).serve());
    }

    /** A running proxy with the defaults. */
    public static TestProxy start() {
        return builder().start();
    }

    /** A proxy to be configured and started. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address that clients use: {@code 127.0.0.1}. */
    public String host() {
        return "127.0.0.1";
    }

    /** The port; also that for {@link KernelMeter#start}. */
    public int port() {
        return listener.port();
    }

    /** The proxy as the JDK's clients want it. */
    public Proxy javaProxy() {
        return new Proxy(Proxy.Type.HTTP, new InetSocketAddress(host(), port()));
    }

    /** All requests in their order of arrival, CONNECT and those that were answered with 407 included. */
    public List<TestRequest> requests() {
        synchronized (requests) {
            return new ArrayList<>(requests);
        }
    }

    /** How many plain requests were passed on. */
    public int plainRequests() {
        return plainRequests.get();
    }

    /** How many tunnels were opened. */
    public int tunnels() {
        return tunnels.get();
    }

    /** How many connections were accepted since the start. */
    public int acceptedConnections() {
        return listener.accepted();
    }

    /** Closes the connections on which no request is under way; tunnels stay. */
    public void closeIdleConnections() {
        listener.closeIdle();
    }

    /** Stops listening and closes all connections and tunnels. */
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

    String connectVersion() {
        return built.connectHttp10 ? "HTTP/1.0" : "HTTP/1.1";
    }

    /** Whether the request has the credentials, if there are any to have. */
    boolean admits(TestRequest request) {
        return built.credentials == null || built.credentials.equals(request.header("Proxy-Authorization"));
    }

    void record(TestRequest request) {
        synchronized (requests) {
            requests.add(request);
        }
    }

    void countPlainRequest() {
        plainRequests.incrementAndGet();
    }

    void countTunnel() {
        tunnels.incrementAndGet();
    }

    /** The choices that hold for the whole proxy. For one thread. */
    public static final class Builder {
        private boolean http10;
        private boolean connectHttp10;
        private boolean keepAlive = true;
        private @Nullable String credentials;

        private Builder() {}

        /**
         * Answers plain requests with {@code HTTP/1.0}, and closes after each unless the request says
         * {@code Connection: keep-alive} or {@code Proxy-Connection: keep-alive}.
         */
        public Builder http10() {
            http10 = true;
            return this;
        }

        /** Answers CONNECT with {@code HTTP/1.0 200}, as tinyproxy does. */
        public Builder connectHttp10() {
            connectHttp10 = true;
            return this;
        }

        /** Closes after every answer, whatever the request says; tunnels stay. */
        public Builder withoutKeepAlive() {
            keepAlive = false;
            return this;
        }

        /** Answers 407 with a Basic challenge, keeping the connection, until these credentials come. */
        public Builder basicAuthentication(String user, String password) {
            byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            credentials = "Basic " + Base64.getEncoder().encodeToString(pair);
            return this;
        }

        /** Starts the proxy on a free port. */
        public TestProxy start() {
            try {
                TestProxy proxy = new TestProxy(this);
                proxy.listener.start("test-proxy");
                return proxy;
            } catch (IOException e) {
                throw new IllegalStateException("cannot listen on the loopback interface", e);
            }
        }
    }
}
