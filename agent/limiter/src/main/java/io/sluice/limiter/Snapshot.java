package io.sluice.limiter;

/** The figures of one destination at one moment. Immutable. */
public final class Snapshot {
    private final Destination destination;
    private final boolean http10;
    private final int limit;
    private final int leased;
    private final int idle;
    private final int pending;
    private final int open;
    private final long oldestWaitNanos;
    private final long releases;
    private final long wouldHaveWaited;

    @SuppressWarnings("TooManyParameters") // made in one place
    Snapshot(
            Destination destination,
            boolean http10,
            int limit,
            int leased,
            int idle,
            int pending,
            int open,
            long oldestWaitNanos,
            long releases,
            long wouldHaveWaited) {
        this.destination = destination;
        this.http10 = http10;
        this.limit = limit;
        this.leased = leased;
        this.idle = idle;
        this.pending = pending;
        this.open = open;
        this.oldestWaitNanos = oldestWaitNanos;
        this.releases = releases;
        this.wouldHaveWaited = wouldHaveWaited;
    }

    /** What the figures are of. */
    public Destination destination() {
        return destination;
    }

    /** Whether the newest response of this server came with {@code HTTP/1.0}. */
    public boolean isHttp10() {
        return http10;
    }

    /** The limit that holds; {@link Limits#UNLIMITED} where there is none. */
    public int limit() {
        return limit;
    }

    /** How many exchanges hold a lease. */
    public int leased() {
        return leased;
    }

    /** How many open connections lie in some client's pool. */
    public int idle() {
        return idle;
    }

    /** How many exchanges wait for a lease. */
    public int pending() {
        return pending;
    }

    /** How many connections are open or being opened, idle ones included. */
    public int open() {
        return open;
    }

    /** How long the first in the queue has waited, in nanoseconds; 0 where nobody waits. */
    public long oldestWaitNanos() {
        return oldestWaitNanos;
    }

    /** How many leases were given back so far. */
    public long releases() {
        return releases;
    }

    /** In {@code observe} mode: how many exchanges would have waited. */
    public long wouldHaveWaited() {
        return wouldHaveWaited;
    }
}
