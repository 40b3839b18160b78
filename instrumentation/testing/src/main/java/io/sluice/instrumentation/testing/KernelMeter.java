package io.sluice.instrumentation.testing;

import java.io.File;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Measures how many connections to a local port the kernel has, and the largest number that existed at one moment.
 *
 * <p>What counts is an {@code ESTABLISHED} socket whose local port is the measured one: the server's end of a
 * connection, accepted by the server or still in its backlog. A connection that either side has closed is no longer
 * {@code ESTABLISHED} at the server's end by the time {@code close()} returns on loopback, and does not count.
 *
 * <p>A dump of {@code /proc/net/tcp} is not atomic: while it is written, one connection may close and the next one open,
 * and both may be in the dump although they never existed together. The meter therefore counts only what is present in
 * two successive dumps. Such a socket was established from its line in the first dump to its line in the second, so all
 * of them existed together at the moment between the dumps. {@link #max()} is thus never too large. It may be too small:
 * a connection that lives for less than two dumps can be missed. A dump takes 2 to 3 ms with a large kernel hash table
 * (262144 buckets), below 1 ms with a small one, and with the processors busy one comes every 40 ms only. A test that
 * wants to see a limit reached keeps connections alive for longer, or has the server hold the requests ({@code /hold})
 * and asks for {@link #current()} meanwhile, which cannot miss any.
 *
 * <p>Works on Linux only, see {@link #available()}. The sampler is a daemon thread, which uses a good part of one
 * processor while it runs: a dump walks the kernel's whole hash table. All methods may be called by any thread.
 */
public final class KernelMeter implements AutoCloseable {
    /** The message with which a test skips itself where {@link #available()} is false. */
    public static final String UNAVAILABLE =
            "skipped: connections are counted in /proc/net/tcp, which this machine does not have";

    private static final long PAUSE_NANOS = 500_000;

    private final TcpTable table;
    private final Thread sampler;
    private TcpTable.Sockets before;
    private TcpTable.Sockets now;
    private int current;
    private int max;
    private long samples;
    private @Nullable IOException failure;
    private volatile boolean stopped;

    private KernelMeter(int port) throws IOException {
        table = new TcpTable(port);
        before = table.newSockets();
        now = table.newSockets();
        table.read(now);
        sampler = new Thread(this::run, "kernel-meter-" + port);
        sampler.setDaemon(true);
    }

    /** Whether this machine shows its TCP sockets in {@code /proc/net/tcp}; false elsewhere than on Linux. */
    public static boolean available() {
        return new File(TcpTable.IPV4).canRead();
    }

    /**
     * Starts to measure a port. The server must listen on it already.
     *
     * @throws IllegalStateException where {@link #available()} is false
     */
    public static KernelMeter start(int port) {
        if (!available()) {
            throw new IllegalStateException(UNAVAILABLE);
        }
        try {
            KernelMeter meter = new KernelMeter(port);
            meter.sampler.start();
            return meter;
        } catch (IOException e) {
            throw new IllegalStateException("cannot read the kernel's socket table", e);
        }
    }

    /**
     * The largest number of connections that existed at one moment since the start.
     *
     * @throws IllegalStateException if the kernel's table could not be read
     */
    public synchronized int max() {
        checkReadable();
        return max;
    }

    /**
     * The number of connections now: takes two fresh dumps on the calling thread, some milliseconds. After
     * {@link #stop()}, the number at that time.
     *
     * @throws IllegalStateException if the kernel's table could not be read
     */
    public synchronized int current() {
        if (!stopped) {
            sample();
            sample();
        }
        checkReadable();
        return current;
    }

    /** How many dumps were taken since the start; the more, the shorter the connections that the meter cannot miss. */
    public synchronized long samples() {
        return samples;
    }

    /**
     * Ends the measurement after one more look, and returns {@link #max()}. Further calls return the same.
     *
     * @throws IllegalStateException if the kernel's table could not be read
     */
    public synchronized int stop() {
        if (!stopped) {
            current();
            stopped = true;
            table.close();
        }
        return max();
    }

    /** Ends the measurement. */
    @Override
    public synchronized void close() {
        stopped = true;
        table.close();
    }

    private void run() {
        while (!stopped) {
            sample();
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private synchronized void sample() {
        if (stopped || failure != null) {
            return;
        }
        TcpTable.Sockets oldest = before;
        before = now;
        now = oldest;
        try {
            table.read(now);
            samples++;
            current = now.alsoIn(before);
            max = Math.max(max, current);
        } catch (IOException e) {
            failure = e;
        }
    }

    private void checkReadable() {
        if (failure != null) {
            throw new IllegalStateException("cannot read the kernel's socket table", failure);
        }
    }
}
