package io.sluice.instrumentation.vertx;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;

/** How large a client's pool is: since 4.5 in options of its own, before in the client's. */
final class PoolSizes {
    private int http1 = 5;
    private int http2 = 1;
    private int queue = -1;

    PoolSizes setHttp1MaxSize(int size) {
        http1 = size;
        return this;
    }

    PoolSizes setHttp2MaxSize(int size) {
        http2 = size;
        return this;
    }

    PoolSizes setMaxWaitQueueSize(int size) {
        queue = size;
        return this;
    }

    /** What {@code createHttpClient} returns is of another type in 5. */
    HttpClient client(Vertx vertx, HttpClientOptions options) {
        try {
            Class.forName("io.vertx.core.http.PoolOptions");
        } catch (ClassNotFoundException before45) {
            return Before45.client(this, vertx, options);
        }
        return Since45.client(this, vertx, options);
    }

    private static final class Since45 {
        static HttpClient client(PoolSizes sizes, Vertx vertx, HttpClientOptions options) {
            PoolOptions pool = new PoolOptions()
                    .setHttp1MaxSize(sizes.http1)
                    .setHttp2MaxSize(sizes.http2)
                    .setMaxWaitQueueSize(sizes.queue);
            try {
                return (HttpClient) Vertx.class
                        .getMethod("createHttpClient", HttpClientOptions.class, PoolOptions.class)
                        .invoke(vertx, options, pool);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static final class Before45 {
        static HttpClient client(PoolSizes sizes, Vertx vertx, HttpClientOptions options) {
            set(options, "setMaxPoolSize", sizes.http1);
            set(options, "setHttp2MaxPoolSize", sizes.http2);
            set(options, "setMaxWaitQueueSize", sizes.queue);
            return vertx.createHttpClient(options);
        }

        private static void set(HttpClientOptions options, String setter, int value) {
            try {
                HttpClientOptions.class.getMethod(setter, int.class).invoke(options, value);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
