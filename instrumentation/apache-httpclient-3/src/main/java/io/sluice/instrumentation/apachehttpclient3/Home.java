package io.sluice.instrumentation.apachehttpclient3;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Refusal;
import io.sluice.bridge.WeakMap;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;
import io.sluice.limiter.Lease;
import io.sluice.limiter.Pool;
import io.sluice.limiter.Wait;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.commons.httpclient.ConnectionPoolTimeoutException;
import org.apache.commons.httpclient.HostConfiguration;
import org.apache.commons.httpclient.HttpConnectionManager;
import org.apache.commons.httpclient.MultiThreadedHttpConnectionManager;
import org.apache.commons.httpclient.SimpleHttpConnectionManager;
import org.apache.commons.httpclient.protocol.Protocol;
import org.jspecify.annotations.Nullable;

/** What is known of one connection manager: who waits for it and who has leased from it. Thread-safe. */
final class Home {
    private static final String CLIENT = "apache-httpclient-3";
    private static final boolean INTERRUPTIBLE = isInterruptible();

    private static final WeakMap<HttpConnectionManager, Home> HOMES = new WeakMap<>();

    private final Pool pool;
    private final Set<Lease> waiting = ConcurrentHashMap.newKeySet();
    private final Set<ManagedConnection> inUse = ConcurrentHashMap.newKeySet();
    private volatile boolean shutDown;

    private Home(HttpConnectionManager manager) {
        pool = ConnectionGate.pool(manager, 0);
    }

    /** The home that a manager is, from its first request on. */
    static Home of(HttpConnectionManager manager) {
        Home known = HOMES.get(manager);
        return known != null ? known : HOMES.putIfAbsent(manager, new Home(manager));
    }

    /** The home that a manager is, or null before its first request. */
    static @Nullable Home known(HttpConnectionManager manager) {
        return HOMES.get(manager);
    }

    /** From 3.1 on, an interrupt ends a wait for the pool; before, the pool ignores it. */
    private static boolean isInterruptible() {
        return SimpleHttpConnectionManager.class.getConstructors().length > 1; // one more since 3.1, too
    }

    /**
     * Parks until the lease is granted or the wait is given up.
     *
     * @param timeoutMillis the client's own limit; zero or less means none
     * @param triesForEver whether the caller asks again at once when it sees a timeout
     * @return a {@link Granted}; a {@link Refusal}; or null: go on without a lease
     */
    @Nullable
    Object acquire(HttpConnectionManager manager, HostConfiguration target, long timeoutMillis, boolean triesForEver) {
        Ask ask = ask(manager, target);
        Lease asked = ask == null ? null : ConnectionGate.ask(ask);
        if (asked == null) {
            return null;
        }
        try {
            long restMillis = asked.isPending() ? await(asked, timeoutMillis) : timeoutMillis;
            return asked.isHeld() ? new Granted(this, asked, restMillis) : refused(asked, triesForEver);
        } catch (Throwable fault) {
            asked.release();
            throw fault;
        }
    }

    /** What an exchange asks for. The pool's own limits, read anew each time, hold in the queue too. */
    private @Nullable Ask ask(HttpConnectionManager manager, HostConfiguration target) {
        Protocol protocol = target.getProtocol();
        String host = target.getHost();
        if (protocol == null || host == null) {
            return null;
        }
        Destination server = Destination.server(protocol.isSecure() ? "https" : "http", host, target.getPort());
        Ask ask;
        if (target.getProxyHost() == null) {
            ask = Ask.direct(CLIENT, server);
        } else {
            Destination proxy = Destination.proxy(target.getProxyHost(), target.getProxyPort());
            ask = protocol.isSecure() ? Ask.tunnelled(CLIENT, server, proxy) : Ask.proxied(CLIENT, server, proxy);
        }
        if (!(manager instanceof MultiThreadedHttpConnectionManager)) {
            return ask;
        }
        pool.maxTotal(manager.getParams().getMaxTotalConnections());
        return ask.from(pool, manager.getParams().getMaxConnectionsPerHost(target));
    }

    /** Returns what is left of the client's own limit. */
    private long await(Lease pending, long timeoutMillis) {
        long startNanos = System.nanoTime();
        long maxWaitNanos = ConnectionGate.maxWaitNanos(TimeUnit.MILLISECONDS.toNanos(timeoutMillis));
        waiting.add(pending);
        try {
            if (shutDown) {
                pending.abandon(Wait.Outcome.CANCELLED);
            } else if (INTERRUPTIBLE) {
                pending.await(maxWaitNanos);
            } else {
                pending.awaitUninterruptibly(maxWaitNanos);
            }
        } finally {
            waiting.remove(pending);
        }
        long waitedMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
        return timeoutMillis > 0 ? Math.max(1, timeoutMillis - waitedMillis) : timeoutMillis;
    }

    /** Ifs rather than a switch: that would need a synthetic class beside this one in the client's loader. */
    private static @Nullable Refusal refused(Lease refused, boolean triesForEver) {
        Wait.Outcome why = refused.outcome();
        if (why == Wait.Outcome.CANCELLED) {
            return null; // the manager was shut down and says so itself
        }
        if (why == Wait.Outcome.INTERRUPTED) {
            Thread.interrupted(); // as the pool's own wait clears it
            return new Refusal(new IllegalThreadStateException(refused.refusal()));
        }
        return new Refusal(
                triesForEver
                        ? new IllegalStateException(refused.refusal())
                        : new ConnectionPoolTimeoutException(refused.refusal()));
    }

    void add(ManagedConnection used) {
        inUse.add(used);
    }

    void remove(ManagedConnection used) {
        inUse.remove(used);
    }

    boolean isShutDown() {
        return shutDown;
    }

    /** The pool has closed all its connections: who waits goes on, and responses that nobody read give their leases back. */
    void shutDown() {
        shutDown = true;
        for (Lease lease : waiting) {
            lease.abandon(Wait.Outcome.CANCELLED);
        }
        for (ManagedConnection used : inUse) {
            used.shutDown();
        }
    }
}
