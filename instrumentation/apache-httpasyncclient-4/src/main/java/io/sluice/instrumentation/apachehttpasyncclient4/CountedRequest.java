package io.sluice.instrumentation.apachehttpasyncclient4;

import io.sluice.bridge.FailOpen;
import io.sluice.bridge.Sockets;
import io.sluice.limiter.Connection;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.http.impl.nio.reactor.SessionRequestImpl;
import org.apache.http.nio.reactor.ConnectingIOReactor;
import org.apache.http.nio.reactor.IOReactorStatus;
import org.apache.http.nio.reactor.IOSession;
import org.apache.http.nio.reactor.SessionRequestCallback;
import org.jspecify.annotations.Nullable;

/**
 * A reactor's request to open a connection. The reactor gets it when there is room for the connection, and from its calls
 * this knows whether there is a socket yet.
 *
 * <pre>
 *  WAITING ---------------> OPENING ----------------------------> OPEN: the socket's close tells the end
 *     |   isCompleted(), by    |     setKey() or completed()
 *     |   the reactor          |
 *     +--- cancel() ---&gt; OVER &lt;+ failed(), or cancelled before the reactor looked: no socket, room goes back
 * </pre>
 *
 * <p>Thread-safe; no method blocks for longer than that of the superclass.
 */
final class CountedRequest extends SessionRequestImpl implements Runnable {
    private enum Progress {
        WAITING,
        OPENING,
        OPEN,
        OVER
    }

    private final ConnectingIOReactor reactor;
    private final Selector selector;
    private final Queue<SessionRequestImpl> queue;
    private final AtomicReference<Progress> progress = new AtomicReference<>(Progress.WAITING);
    private final AtomicBoolean queued = new AtomicBoolean();
    private volatile @Nullable Connection connection;
    private volatile @Nullable SelectionKey connecting;
    private volatile boolean hasEntry;
    private volatile @Nullable Kept kept;

    /** On whose behalf. */
    final Ticket ticket;

    CountedRequest(
            ConnectingIOReactor reactor,
            Selector selector,
            Queue<SessionRequestImpl> queue,
            SocketAddress remoteAddress,
            @Nullable SocketAddress localAddress,
            Object attachment,
            SessionRequestCallback callback,
            Ticket ticket) {
        super(remoteAddress, localAddress, attachment, callback);
        this.reactor = reactor;
        this.selector = selector;
        this.queue = queue;
        this.ticket = ticket;
    }

    /** What is counted; told once, before the reactor gets this. */
    void counts(Connection counted) {
        connection = counted;
        if (!counted.isPending()) {
            enqueue();
        }
    }

    /** The connection that is counted for this, or null. */
    @Nullable
    Connection connection() {
        return connection;
    }

    /** The pool makes an entry of it. */
    void becomesEntry() {
        hasEntry = true;
    }

    /** Where the pool keeps it. */
    void keptIn(Kept newKept) {
        kept = newKept;
    }

    /** There is room now; called in the background. */
    @Override
    public void run() {
        if (connection != null) { // otherwise counts() is still to come, and sees that nothing is pending any more
            enqueue();
        }
    }

    private void enqueue() {
        if (!queued.compareAndSet(false, true)) {
            return;
        }
        if (super.isCompleted()) {
            over(Progress.WAITING);
            return;
        }
        queue.add(this);
        if (reactor.getStatus().compareTo(IOReactorStatus.ACTIVE) <= 0) {
            selector.wakeup();
        }
        if (reactor.getStatus().compareTo(IOReactorStatus.ACTIVE) > 0) {
            cancel(); // as the reactor does at its end with all requests that it has not come to
        }
    }

    private void over(Progress from) {
        Connection counted = connection;
        if (progress.compareAndSet(from, Progress.OVER) && counted != null) {
            counted.closed();
        }
    }

    private void open(Channel channel) {
        Connection counted = connection;
        progress.set(Progress.OPEN);
        if (counted != null) {
            Sockets.opened(channel, counted);
            if (!channel.isOpen()) {
                Sockets.closed(channel); // it was closed before anybody knew of it
            }
        }
    }

    /** Asked by the reactor alone, right before it opens a socket. */
    @Override
    public boolean isCompleted() {
        progress.compareAndSet(Progress.WAITING, Progress.OPENING);
        boolean completed = super.isCompleted();
        if (completed) {
            over(Progress.OPENING);
        }
        return completed;
    }

    /** The reactor has begun to connect a socket. */
    @Override
    protected void setKey(SelectionKey key) {
        connecting = key;
        open(key.channel());
        super.setKey(key);
        if (super.isCompleted()) {
            // Cancelled before there was a key; up to 4.4.10 the reactor goes on to open a connection that nobody has.
            key.cancel();
            closeQuietly(key.channel());
        }
    }

    private static void closeQuietly(Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // Closed all the same.
        }
    }

    @Override
    public void completed(IOSession session) {
        if (progress.get() == Progress.OPENING) {
            open(session.channel()); // connected at once, without a key
        }
        super.completed(session);
        Kept entry = kept;
        if (!hasEntry) {
            // Cancelled meanwhile, or the pool was shut down or could not make a connection of it. Nobody has it.
            session.close();
            ticket.openingCancelled();
        } else if (entry != null) {
            entry.opened();
        }
    }

    @Override
    public void failed(IOException exception) {
        super.failed(exception);
        over(Progress.OPENING);
    }

    @Override
    public void cancel() {
        super.cancel();
        over(Progress.WAITING);
        try {
            SelectionKey key = connecting;
            if (key != null) {
                key.selector().wakeup(); // a socket that is still connecting ends when the selector lets go of it
            }
            ticket.openingCancelled();
        } catch (RuntimeException | Error fault) {
            FailOpen.report(fault);
        }
    }
}
