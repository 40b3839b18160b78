package io.sluice.agent.child;

import java.lang.reflect.InvocationTargetException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which client, and with which options: {@code apache4}, {@code java:readTimeout=500}, {@code apache5:pool=b:maxPerServer=2}.
 * The same text always means the same client object. Immutable.
 *
 * <ul>
 *   <li>{@code readTimeout}: milliseconds without an answer, or for the whole exchange where the client has only that
 *   <li>{@code proxy}: {@code host/port} of a forward proxy
 *   <li>{@code maxPerServer}: the client's own pool limit, where it has one; large if not given
 *   <li>{@code http2=true}: prefers HTTP/2 over TLS; the clients that know it and have to be told
 *   <li>{@code client}: the client that {@code traced} uses
 *   <li>anything else: tells clients apart that shall have pools of their own
 * </ul>
 */
public final class ClientSpec {
    private static final int LARGE_POOL = 100;

    private static final Map<String, String> CLASSES = new HashMap<>();
    private static final Map<String, Client> CLIENTS = new ConcurrentHashMap<>();

    static {
        CLASSES.put("urlconnection", "UrlConnectionClient");
        CLASSES.put("apache3", "Apache3Client");
        CLASSES.put("apache4", "Apache4Client");
        CLASSES.put("apache4Old", "Apache4OldClient");
        CLASSES.put("apache4Async", "Apache4AsyncClient");
        CLASSES.put("apache5", "Apache5Client");
        CLASSES.put("apache5Async", "Apache5AsyncClient");
        CLASSES.put("okhttp", "OkHttpBlockingClient");
        CLASSES.put("okhttpAsync", "OkHttpAsyncClient");
        CLASSES.put("jetty", "JettyClient");
        CLASSES.put("asyncHttpClient", "AsyncHttpClient2");
        CLASSES.put("vertx", "VertxClient");
        CLASSES.put("reactorNetty", "ReactorNettyClient");
        CLASSES.put("traced", "TracedClient");
        // The two of src/test/java11.
        CLASSES.put("java", "JavaHttpClient");
        CLASSES.put("javaAsync", "JavaHttpAsyncClient");
    }

    private final Map<String, String> options = new HashMap<>();

    private ClientSpec(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            options.put(parts[i].substring(0, equals), parts[i].substring(equals + 1));
        }
    }

    /** The client that the text means, which is made at its first use. */
    static Client client(String text) {
        Client client = CLIENTS.get(text);
        if (client == null) {
            synchronized (CLIENTS) {
                client = CLIENTS.get(text);
                if (client == null) {
                    client = make(text);
                    CLIENTS.put(text, client);
                }
            }
        }
        return client;
    }

    private static Client make(String text) {
        String[] parts = text.split(":", -1);
        try {
            return Class.forName(ClientSpec.class.getPackage().getName() + "." + CLASSES.get(parts[0]))
                    .asSubclass(Client.class)
                    .getConstructor(ClientSpec.class)
                    .newInstance(new ClientSpec(parts));
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(text, e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    /** The longest time to wait for an answer, in milliseconds; 0 means no limit. */
    public int readTimeoutMillis() {
        return Integer.parseInt(options.getOrDefault("readTimeout", "0"));
    }

    /** Whether to go through a proxy. */
    public boolean hasProxy() {
        return options.containsKey("proxy");
    }

    /** The proxy's host. */
    public String proxyHost() {
        return options.get("proxy").split("/", -1)[0];
    }

    /** The proxy's port. */
    public int proxyPort() {
        return Integer.parseInt(options.get("proxy").split("/", -1)[1]);
    }

    /** Whether to prefer HTTP/2. */
    public boolean prefersHttp2() {
        return Boolean.parseBoolean(options.get("http2"));
    }

    /** The client to use. */
    String wrapped() {
        return options.get("client");
    }

    /** The pool's limit for each server. */
    public int maxPerServer() {
        return Integer.parseInt(options.getOrDefault("maxPerServer", Integer.toString(LARGE_POOL)));
    }
}
