package io.sluice.instrumentation.reactornetty;

import io.sluice.limiter.Ask;
import java.net.SocketAddress;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.client.HttpClientConfig;

/**
 * What an exchange has asked its provider for. Stands in for the supplier of the address, which may be the program's own
 * and give another one each time, so it is asked once: when the lease is, or by the provider.
 */
final class Acquisition implements Supplier<SocketAddress> {
    /** What goes on in {@code HttpConnectionProvider.acquire} on this thread. */
    private static final ThreadLocal<@Nullable Acquisition> CURRENT = new ThreadLocal<>();

    final HttpClientConfig config;
    private final Supplier<? extends SocketAddress> remote;
    private final boolean http2;
    private final @Nullable Acquisition outer = CURRENT.get();
    private volatile @Nullable Object provider;

    private boolean known;
    private @Nullable SocketAddress address;
    private @Nullable RuntimeException failure;

    Acquisition(HttpClientConfig config, Supplier<? extends SocketAddress> remote) {
        this.config = config;
        this.remote = remote;
        this.http2 = Routes.mayBeHttp2(config);
    }

    static @Nullable Acquisition current() {
        return CURRENT.get();
    }

    void begin() {
        CURRENT.set(this);
    }

    void end() {
        if (outer == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(outer);
        }
    }

    void providedBy(Object pooled) {
        if (provider == null) {
            provider = pooled;
        }
    }

    @Nullable
    Object provider() {
        return provider;
    }

    @Override
    @SuppressWarnings("NullAway") // the client itself complains of null, in its own words
    public synchronized SocketAddress get() {
        if (!known) {
            known = true;
            try {
                address = remote.get();
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
        return address;
    }

    /** Where this exchange may find a connection for many streams; null where it speaks HTTP/1.1 only. */
    @Nullable
    Http2Streams streams() {
        Object pooled = provider;
        return pooled == null || !http2 ? null : Providers.of(pooled).streams(get(), config.channelHash());
    }

    /** What the exchange asks for; null where it goes without a lease. */
    @Nullable
    Ask ask() {
        SocketAddress to;
        try {
            to = get();
        } catch (RuntimeException clientsOwn) {
            return null; // it meets the same one again
        }
        Ask ask = Routes.ask(config, to);
        return ask == null ? null : Providers.mirrored(ask, provider, to, config.channelHash());
    }
}
