package io.sluice.instrumentation.jettyclient;

import io.sluice.instrumentation.testing.ContractClient;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The client of any version, by reflection: with 12 the API moved to another package, with 10 the names of contents
 * changed.
 */
final class Jetty implements ContractClient {
    private static final String CLIENT = "org.eclipse.jetty.client.";

    private final Object client;
    private final boolean async;

    /** A client as the contract wants it, by the blocking or by the asynchronous way of sending. */
    Jetty(Setup setup, boolean async) throws Exception {
        this(withTls(setup.tls()), setup, async);
    }

    /** The same around a client that was made already. */
    Jetty(Object client, Setup setup, boolean async) throws Exception {
        this.client = client;
        this.async = async;
        if (setup.proxy() != null) {
            addProxy(setup.proxy());
        }
        call(client, "start");
    }

    private static Object withTls(@Nullable SSLContext tls) throws Exception {
        Class<?> factoryType = type("org.eclipse.jetty.util.ssl.SslContextFactory");
        Object factory = sslContextFactory(tls);
        try {
            return type(CLIENT + "HttpClient").getConstructor(factoryType).newInstance(factory);
        } catch (NoSuchMethodException since10) {
            Object connector = make("org.eclipse.jetty.io.ClientConnector");
            call(connector, "setSslContextFactory", factory);
            Object transport = make(
                    exists(CLIENT + "transport.HttpClientTransportOverHTTP")
                            ? CLIENT + "transport.HttpClientTransportOverHTTP"
                            : CLIENT + "http.HttpClientTransportOverHTTP",
                    connector);
            return make(CLIENT + "HttpClient", transport);
        }
    }

    static Object sslContextFactory(@Nullable SSLContext tls) throws Exception {
        Object factory;
        try {
            factory = make("org.eclipse.jetty.util.ssl.SslContextFactory$Client");
        } catch (ClassNotFoundException before9416) {
            factory = make("org.eclipse.jetty.util.ssl.SslContextFactory");
        }
        if (tls != null) {
            call(factory, "setSslContext", tls);
        }
        return factory;
    }

    private void addProxy(InetSocketAddress address) throws Exception {
        Object proxy = make(CLIENT + "HttpProxy", address.getHostString(), address.getPort());
        Object configuration = call(client, "getProxyConfiguration");
        try {
            call(configuration, "addProxy", proxy);
        } catch (NoSuchMethodException before10) {
            @SuppressWarnings("unchecked")
            Collection<Object> proxies = (Collection<Object>) call(configuration, "getProxies");
            proxies.add(proxy);
        }
    }

    Object client() {
        return client;
    }

    /** The client's destination of a URL. */
    Object destination(String url) throws Exception {
        Object request = request(url);
        if (exists(CLIENT + "transport.HttpDestination") || exists(CLIENT + "IConnection")) {
            return call(client, "resolveDestination", request);
        }
        return call(
                client,
                "getDestination",
                call(request, "getScheme"),
                call(request, "getHost"),
                call(request, "getPort"));
    }

    /** A request that was not sent yet. */
    Object request(String url) throws Exception {
        return call(client, "newRequest", url);
    }

    /** Sends a request without waiting for its answer. */
    static Future<?> send(Object request) throws Exception {
        if (exists(CLIENT + "CompletableResponseListener")) {
            return (Future<?>) call(make(CLIENT + "CompletableResponseListener", request), "send");
        }
        boolean is12 = exists(CLIENT + "FutureResponseListener");
        Object listener = make(CLIENT + (is12 ? "" : "util.") + "FutureResponseListener", request);
        call(request, "send", listener);
        return (Future<?>) listener;
    }

    @Override
    public String get(String url) throws Exception {
        return answer(request(url));
    }

    @Override
    public String post(String url, byte[] body) throws Exception {
        Object request = call(request(url), "method", "POST");
        if (exists(CLIENT + "BytesRequestContent")) {
            call(request, "body", make(CLIENT + "BytesRequestContent", (Object) new byte[][] {body}));
        } else if (exists(CLIENT + "util.BytesRequestContent")) {
            call(request, "body", make(CLIENT + "util.BytesRequestContent", (Object) new byte[][] {body}));
        } else {
            call(request, "content", make(CLIENT + "util.BytesContentProvider", (Object) new byte[][] {body}));
        }
        return answer(request);
    }

    private String answer(Object request) throws Exception {
        if (!async) {
            try {
                return text(call(request, "send"));
            } catch (ExecutionException e) {
                throw cause(e); // early versions wrap every failure
            }
        }
        Future<?> response = send(request);
        try {
            return text(response.get());
        } catch (InterruptedException e) {
            response.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            throw cause(e);
        }
    }

    /** The status code, a blank and the body. */
    static String text(Object response) throws Exception {
        return call(response, "getStatus") + " " + call(response, "getContentAsString");
    }

    /** Sets the total timeout of a request. */
    static Object timeout(Object request, long millis) throws Exception {
        return call(request, "timeout", millis, TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() throws Exception {
        call(client, "stop");
    }

    static Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName(name);
    }

    static boolean exists(String name) {
        try {
            type(name);
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    static Object make(String type, Object... arguments) throws Exception {
        for (Constructor<?> constructor : type(type).getConstructors()) {
            if (takes(constructor.getParameterTypes(), arguments)) {
                try {
                    return constructor.newInstance(arguments);
                } catch (InvocationTargetException e) {
                    throw cause(e);
                }
            }
        }
        throw new NoSuchMethodException(type);
    }

    /** Calls a public method by its name and arguments. */
    static Object call(Object target, String name, Object... arguments) throws Exception {
        for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
            if (!Modifier.isPublic(type.getModifiers())) {
                continue;
            }
            for (Method method : type.getMethods()) {
                if (method.getName().equals(name)
                        && !method.isBridge()
                        && Modifier.isPublic(method.getDeclaringClass().getModifiers())
                        && takes(method.getParameterTypes(), arguments)) {
                    try {
                        return method.invoke(target, arguments);
                    } catch (InvocationTargetException e) {
                        throw cause(e);
                    }
                }
            }
        }
        throw new NoSuchMethodException(target.getClass() + "." + name);
    }

    private static boolean takes(Class<?>[] parameters, Object[] arguments) {
        if (parameters.length != arguments.length) {
            return false;
        }
        for (int i = 0; i < parameters.length; i++) {
            Object argument = arguments[i];
            boolean fits = parameters[i].isInstance(argument)
                    || (parameters[i] == int.class && argument instanceof Integer)
                    || (parameters[i] == long.class && argument instanceof Long)
                    || (parameters[i] == boolean.class && argument instanceof Boolean);
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    private static Exception cause(Exception e) {
        if (e.getCause() instanceof Exception) {
            return (Exception) e.getCause();
        }
        throw new AssertionError(e.getCause());
    }
}
