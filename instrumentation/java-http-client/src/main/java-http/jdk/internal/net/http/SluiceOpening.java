package jdk.internal.net.http;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A connection that the client has made and not connected yet. It connects when there is room for it: at once, or when an
 * idle connection of somebody's has been closed. From here on its channel tells when it ends, connected or not.
 *
 * <p>A connection that is made without a lease (HTTP/3 that falls back, an HTTP/2 connection that was closed after an
 * exchange had chosen it) asks here, and waits before it connects. Thread-safe; no thread is parked.
 */
public final class SluiceOpening implements Runnable {
    /** Openings that have to wait. The values reach their keys, but each is removed when its connection connects. */
    private static final WeakMap<Channel, SluiceOpening> ALL = new WeakMap<>();

    private final HttpConnection connection;
    private final CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();

    private SluiceOpening(HttpConnection connection) {
        this.connection = connection;
    }

    /** Takes room for a connection on behalf of an exchange that holds a lease. */
    static void begin(HttpConnection connection, Lease lease) {
        new SluiceOpening(connection).open(lease);
    }

    /** Takes a lease, and then room, for a connection that was made without. */
    static void begin(HttpConnection connection, @Nullable HttpRequestImpl request) {
        Ask ask = request == null ? null : SluiceExchanges.ask(request);
        Lease lease = ask == null ? null : ConnectionGate.ask(ask);
        if (lease == null) {
            return;
        }
        SluiceOpening opening = new SluiceOpening(connection);
        ConnectionGate.endAfter(lease, 0);
        if (lease.whenSettled(() -> opening.leased(lease))) {
            ALL.put(SluiceInternals.channel(connection), opening);
        } else {
            opening.leased(lease);
        }
    }

    private void leased(Lease lease) {
        if (!lease.isHeld()) {
            ALL.put(SluiceInternals.channel(connection), this);
            ready.completeExceptionally(new HttpConnectTimeoutException(lease.refusal()));
        } else if (SluiceInternals.channel(connection).isOpen()) {
            open(lease);
        } else {
            lease.release();
            ready.complete(null);
        }
    }

    private void open(Lease lease) {
        Connection counted = ConnectionGate.openLater(lease, true, this);
        if (counted == null) {
            lease.release();
            ready.complete(null);
            return;
        }
        SluiceConnections.keptIn(counted, connection);
        Channel channel = SluiceInternals.channel(connection);
        Sockets.opened(channel, counted);
        if (!channel.isOpen()) {
            Sockets.closed(channel); // it was closed before anybody knew of it
        }
        if (counted.isPending()) {
            ALL.put(channel, this);
        } else {
            ready.complete(null);
        }
    }

    /** There is room, or the limiter has given up finding some; called in the background. */
    @Override
    public void run() {
        ready.complete(null);
    }

    /**
     * Enter advice of {@code PlainHttpConnection.connectAsync}, to which every kind of connection comes down. Never blocks.
     *
     * @return a future: the method is skipped and returns that; null: it runs
     */
    public static @Nullable Object connecting(Object connectionObject, Object exchange) {
        PlainHttpConnection plain = (PlainHttpConnection) connectionObject;
        SluiceOpening opening = ALL.remove(plain.channel());
        if (opening == null || (opening.ready.isDone() && !opening.ready.isCompletedExceptionally())) {
            return null;
        }
        CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
        opening.ready.whenComplete((nothing, refusal) -> {
            try {
                plain.client()
                        .theExecutor()
                        .delegate()
                        .execute(() -> connect(plain, (Exchange<?>) exchange, refusal, result));
            } catch (Throwable rejected) {
                plain.close();
                result.completeExceptionally(rejected);
            }
        });
        return result;
    }

    private static void connect(
            PlainHttpConnection plain,
            Exchange<?> exchange,
            @Nullable Throwable refusal,
            CompletableFuture<@Nullable Void> result) {
        if (refusal != null) {
            plain.close();
            result.completeExceptionally(refusal);
        } else if (!plain.channel().isOpen()) {
            result.completeExceptionally(new ClosedChannelException());
        } else {
            plain.connectAsync(exchange).whenComplete((nothing, failure) -> {
                if (failure == null) {
                    result.complete(null);
                } else {
                    result.completeExceptionally(failure);
                }
            });
        }
    }
}
