package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Lease;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.core5.concurrent.BasicFuture;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.jspecify.annotations.Nullable;

/**
 * A connection that is being opened. Where there is no room for it yet, this stands for the result of the client's own
 * connect, which is called when there is; otherwise it is the callback of that connect.
 *
 * <p>Thread-safe. No thread is parked.
 */
public final class GatedConnect<T> implements Future<T>, FutureCallback<T>, Runnable {
    /** A failed connect closes its own socket; one that has not by then never will. */
    private static final long PATIENCE_MILLIS = 500;

    private final Opener<T> opener;
    private final Handle handle;
    private final BasicFuture<T> result;
    private @Nullable Connection connection;
    /** Whether somebody calls the client's own connect, or has cancelled it. */
    private final AtomicBoolean begun = new AtomicBoolean();

    private volatile boolean done;
    private volatile boolean cancelledLate;
    private volatile @Nullable Future<T> own;
    private @Nullable Connection outer;

    GatedConnect(Opener<T> opener, Handle handle, @Nullable FutureCallback<T> callback) {
        this.opener = opener;
        this.handle = handle;
        this.result = new BasicFuture<>(callback);
    }

    /**
     * Takes room for a connection, or joins those who want some. Does not block.
     *
     * @return false: go on unlimited
     */
    boolean ask(@Nullable Lease lease) {
        synchronized (this) {
            connection = ConnectionGate.openLater(lease, false, this);
            return connection != null;
        }
    }

    private synchronized @Nullable Connection connection() {
        return connection;
    }

    /** Whether this stands for the result, since there was no room. Otherwise the calling thread connects now. */
    public boolean standsIn() {
        // Room may come at any moment, and then run() connects: one of the two.
        return isPending() || !begun.compareAndSet(false, true);
    }

    private boolean isPending() {
        Connection wanted = connection();
        return wanted != null && wanted.isPending();
    }

    /** The calling thread begins to connect. */
    public void begin() {
        Connection granted = connection();
        if (granted != null) {
            outer = Sockets.beginOpening(granted);
        }
    }

    /** The calling thread has connected, or has told the reactor to. */
    public void end(@Nullable Throwable thrown) {
        if (connection() != null) {
            Sockets.endOpening(outer);
        }
        if (thrown != null) {
            giveUp();
        }
    }

    /** There is room, or the limiter has given up finding some; called in the background. */
    @Override
    public void run() {
        if (result.isDone() || !begun.compareAndSet(false, true)) {
            return;
        }
        synchronized (this) {
            if (connection != null && !connection.isGranted()) {
                connection = null; // nobody counts it
            }
        }
        begin();
        try {
            Future<T> future = opener.open(this);
            own = future;
            if (cancelledLate && future != null) {
                future.cancel(true);
            }
        } catch (Exception refused) {
            failed(refused);
        } finally {
            end(null);
        }
    }

    @Override
    public void completed(T opened) {
        Connection counted = connection();
        done = true;
        if (counted != null && !counted.isClosed()) {
            handle.opened(counted, opened);
        }
        if (opener.isUnwanted()) {
            abandon();
        }
        result.completed(opened);
    }

    @Override
    public void failed(Exception cause) {
        giveUp();
        result.failed(cause);
    }

    @Override
    public void cancelled() {
        abandon();
        result.cancel();
    }

    /** Whatever socket there is closes by itself, as a rule. */
    private void giveUp() {
        done = true;
        Connection failed = connection();
        if (failed == null || failed.isClosed()) {
            return;
        }
        if (Sockets.hasSocket(failed)) {
            Background.executor().schedule(this::abandon, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } else {
            failed.closed();
        }
    }

    /** The exchange is over before its connection is there: nobody will close it when it comes. */
    void abandonUnlessDone() {
        if (!done) {
            abandon();
        }
    }

    private void abandon() {
        done = true;
        Connection unwanted = connection();
        if (unwanted != null) {
            Sockets.abandon(unwanted);
        }
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
        cancelledLate = true;
        Future<T> future = own;
        if (future != null) {
            return future.cancel(mayInterrupt);
        }
        // To give up the room wakes run(), which must not find that it is the one to connect.
        if (!isPending() || !begun.compareAndSet(false, true)) {
            return false;
        }
        cancelled();
        return true;
    }

    @Override
    public boolean isCancelled() {
        return result.isCancelled();
    }

    @Override
    public boolean isDone() {
        return result.isDone();
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        return result.get();
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        return result.get(timeout, unit);
    }
}
