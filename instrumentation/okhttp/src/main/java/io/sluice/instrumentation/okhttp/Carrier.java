package io.sluice.instrumentation.okhttp;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Lease;
import java.lang.ref.WeakReference;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import okhttp3.Address;
import okhttp3.Connection;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one connection of OkHttp's. It has a lease while a call uses it: that of the call which found it without
 * one. Further calls, streams of HTTP/2, need none, and the lease stays until the last of them is over.
 *
 * <p>Locks: the hooks run with the client's locks held and then take this one, never the other way round. Thread-safe; no
 * method blocks.
 */
final class Carrier {
    private static final WeakMap<Connection, Carrier> CARRIERS = new WeakMap<>();
    /** How many calls that waited go along on one connection, also where the server sets no limit: RFC 9113 section 6.5.2. */
    private static final int STREAMS = 100;

    private final WeakReference<Connection> client;
    private volatile WeakReference<Object> pool = new WeakReference<>(null);

    // Guarded by this.
    private final List<CallState> users = new ArrayList<>(1);
    /** Calls that were told to go along and have not come yet. */
    private int reserved;
    /** How many streams the server takes; 0 until it has said so. */
    private int streams;

    private boolean refusesCalls;
    private @Nullable Lease lease;
    private io.sluice.limiter.@Nullable Connection counted;

    private Carrier(Connection client) {
        this.client = new WeakReference<>(client);
        if (client.getClass().getName().startsWith("okhttp3.internal.io.")) {
            streams = STREAMS; // up to 3.3 nothing tells
        }
    }

    static Carrier of(Connection client) {
        Carrier known = CARRIERS.get(client);
        return known != null ? known : CARRIERS.putIfAbsent(client, new Carrier(client));
    }

    static @Nullable Carrier known(@Nullable Connection client) {
        return CARRIERS.get(client);
    }

    @Nullable
    Connection client() {
        return client.get();
    }

    @Nullable
    Object pool() {
        return pool.get();
    }

    void keptIn(Object newPool) {
        if (pool.get() != newPool) {
            pool = new WeakReference<>(newPool);
        }
    }

    /** Its socket is, or is about to be, this connection. */
    synchronized void counted(io.sluice.limiter.Connection newCounted) {
        // This, and not the client's object: it lives as long as a lost call may have its lease.
        newCounted.ownedBy(ConnectionEvictor.REFERENCE, this);
        counted = newCounted;
        if (lease != null) {
            newCounted.use(lease);
        }
    }

    synchronized io.sluice.limiter.@Nullable Connection counted() {
        return counted;
    }

    synchronized @Nullable Lease lease() {
        return lease;
    }

    /** A call that has acquired this connection without a lease has got one since. */
    synchronized boolean take(Lease late) {
        if (lease != null || users.isEmpty()) {
            return false;
        }
        lease = late;
        if (counted != null) {
            counted.use(late);
        }
        return true;
    }

    /** Whether it has a socket. */
    synchronized boolean isOpen() {
        return counted != null && !counted.isClosed();
    }

    /** The lease is of no use: the connection is about to be opened on another route. */
    synchronized @Nullable Lease takeLease() {
        Lease taken = lease;
        lease = null;
        return taken;
    }

    /** Whether it leads to the host and port of this address. */
    boolean leadsTo(Address address) {
        Connection now = client.get();
        return now != null
                && now.route().address().url().port() == address.url().port()
                && now.route().address().url().host().equals(address.url().host());
    }

    /** Whether calls to this address can go along as streams, as far as one can tell before they try. */
    boolean carries(Address address) {
        Connection now = client.get();
        return now != null && now.route().address().equals(address);
    }

    boolean isMultiplexed() {
        Connection now = client.get();
        Protocol protocol = now == null ? null : now.protocol();
        return protocol != null && protocol != Protocol.HTTP_1_1 && protocol != Protocol.HTTP_1_0;
    }

    /** Whether no call will ever come along again. */
    boolean isOver() {
        Connection now = client.get();
        synchronized (this) {
            if (now == null || refusesCalls || counted != null && counted.isClosed()) {
                return true;
            }
        }
        Socket socket = now.socket();
        return socket == null || socket.isClosed();
    }

    /** Promises a stream to a call; {@link #unreserve} must follow. False if there is none, or nobody holds a lease. */
    synchronized boolean reserve() {
        if (refusesCalls
                || lease == null
                || counted != null && counted.isClosed()
                || users.size() + reserved >= Math.min(streams, STREAMS)) {
            return false;
        }
        reserved++;
        return true;
    }

    /** The call has come, or never will. */
    void unreserve() {
        Lease over;
        synchronized (this) {
            reserved--;
            over = settle(false);
        }
        ConnectionGate.release(over);
    }

    /** The client gave a call another connection although a stream was promised: this one takes none any more. */
    synchronized void refuse() {
        refusesCalls = true;
    }

    /** The server says how many streams it takes. */
    synchronized void streams(int newStreams) {
        streams = newStreams;
    }

    /** The call has this connection now. Its lease becomes the connection's, unless there is one. */
    synchronized void add(CallState call) {
        users.add(call);
        if (lease != null) {
            return;
        }
        lease = call.takeLease();
        if (lease != null && counted != null) {
            counted.use(lease);
        }
    }

    /**
     * The call has given this connection back.
     *
     * @param closing whether the client is about to close it
     */
    void remove(CallState call, boolean closing) {
        Lease over;
        synchronized (this) {
            if (!users.remove(call)) {
                return;
            }
            refusesCalls |= closing;
            over = settle(closing);
        }
        if (over != null && !call.keepsLease(over)) {
            over.release();
        }
    }

    /** The program has lost a call without closing its body: where no other call uses this connection, it is closed. */
    void removeLost(CallState call) {
        Connection now = client.get();
        remove(call, true);
        if (now != null && isUnused()) {
            ConnectionEvictor.close(now.socket());
        }
    }

    /** With the lock held: idle if nobody is left. The lease that is then to be given back, or null. */
    private @Nullable Lease settle(boolean closing) {
        Lease over = lease;
        if (over == null || reserved > 0 || !users.isEmpty()) {
            return null;
        }
        lease = null;
        if (counted != null && !closing) {
            counted.idle(over);
        }
        return over;
    }

    synchronized boolean isUnused() {
        return users.isEmpty() && reserved == 0;
    }
}
