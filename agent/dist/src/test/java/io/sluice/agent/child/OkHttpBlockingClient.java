package io.sluice.agent.child;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** OkHttp by its blocking method, {@code execute}. */
public final class OkHttpBlockingClient implements Client {
    private final OkHttpClient client;

    public OkHttpBlockingClient(ClientSpec spec) {
        client = client(spec);
    }

    static OkHttpClient client(ClientSpec spec) {
        Dispatcher dispatcher = new Dispatcher(new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, 1, TimeUnit.SECONDS, new SynchronousQueue<>(), Daemons::thread));
        dispatcher.setMaxRequests(10 * spec.maxPerServer());
        dispatcher.setMaxRequestsPerHost(spec.maxPerServer());
        OkHttpClient.Builder builder = new OkHttpClient.Builder()
                .dispatcher(dispatcher)
                .readTimeout(spec.readTimeoutMillis(), TimeUnit.MILLISECONDS);
        if (spec.hasProxy()) {
            builder.proxy(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(spec.proxyHost(), spec.proxyPort())));
        }
        return builder.build();
    }

    static Request request(String url) {
        return new Request.Builder().url(url).build();
    }

    static Answer answer(Response response) throws IOException {
        try (Response closed = response) {
            return new Answer(closed.code(), closed.body().string());
        }
    }

    @Override
    public Answer get(String url) throws IOException {
        return answer(client.newCall(request(url)).execute());
    }
}
