package io.sluice.limiter;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a {@link LimiterTable}. Immutable; to change a running table, give it another one.
 *
 * <p>Nothing here blocks or throws, except that a {@link Builder} refuses values out of range with an
 * {@link IllegalArgumentException}: the words for the user are the configuration's business, not this class's.
 */
public final class Limits {
    /** The number that stands for "no limit". */
    public static final int UNLIMITED = Integer.MAX_VALUE;

    /** What is done with the limits. */
    public enum Mode {
        /** Exchanges wait for their turn. */
        ENFORCE,
        /** Nobody waits, but what would have waited is counted. */
        OBSERVE,
        /** Nothing is counted and nobody waits. */
        OFF
    }

    private static final Limits DEFAULTS = new Builder().build();

    private final int perServer;
    private final int perServer10;
    private final int perProxy; // 0: unset
    private final int total;
    private final @Nullable LimitsOverrides servers;
    private final @Nullable LimitsOverrides proxies;
    private final long waitTimeoutNanos;
    private final int maxPending;
    private final long stallWarningNanos;
    private final Mode mode;

    private Limits(Builder from) {
        perServer = from.perServer;
        perServer10 = from.perServer10;
        perProxy = from.perProxy;
        total = from.total;
        servers = from.servers;
        proxies = from.proxies;
        waitTimeoutNanos = from.waitTimeoutNanos;
        maxPending = from.maxPending;
        stallWarningNanos = from.stallWarningNanos;
        mode = from.mode;
    }

    /**
     * What holds when nothing is configured: 2 connections per server (RFC 2616 section 8.1.4 and WinInet's
     * {@code MaxConnectionsPerServer}), 4 per HTTP/1.0 server (WinInet's {@code MaxConnectionsPer1_0Server}).
     */
    public static Limits defaults() {
        return DEFAULTS;
    }

    /** A builder that starts from the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts from these settings. */
    public Builder toBuilder() {
        Builder to = new Builder();
        to.perServer = perServer;
        to.perServer10 = perServer10;
        to.perProxy = perProxy;
        to.total = total;
        to.servers = servers;
        to.proxies = proxies;
        to.waitTimeoutNanos = waitTimeoutNanos;
        to.maxPending = maxPending;
        to.stallWarningNanos = stallWarningNanos;
        to.mode = mode;
        return to;
    }

    /**
     * How many connections a destination may have at a time: the most specific override that matches it, else the
     * limit of its class. No string is touched where no override is configured.
     *
     * @param http10 whether the newest response of this server came with {@code HTTP/1.0}; means nothing for others
     * @return from 1 up; {@link #UNLIMITED} where there is no limit
     */
    public int limitFor(Destination destination, boolean http10) {
        Destination.Kind kind = destination.kind();
        if (kind == Destination.Kind.TOTAL) {
            return total;
        }
        LimitsOverrides overrides = kind == Destination.Kind.SERVER ? servers : proxies;
        int override = overrides == null ? 0 : overrides.find(destination);
        if (override != 0) {
            return override;
        }
        if (kind == Destination.Kind.SERVER) {
            return http10 ? perServer10 : perServer;
        }
        return maxConnectionsPerProxy();
    }

    /** The limit per HTTP/1.1 (or later) server without an override. */
    public int maxConnectionsPerServer() {
        return perServer;
    }

    /** The limit per HTTP/1.0 server without an override. */
    public int maxConnectionsPer10Server() {
        return perServer10;
    }

    /** The limit per proxy without an override: as configured, else the larger of the two limits per server. */
    public int maxConnectionsPerProxy() {
        return perProxy != 0 ? perProxy : Math.max(perServer, perServer10);
    }

    /** The limit of all connections of the JVM together. */
    public int maxConnections() {
        return total;
    }

    /** The overrides for servers by pattern, in the order in which they were given; unmodifiable. */
    public Map<String, Integer> serverOverrides() {
        return LimitsOverrides.asMap(servers);
    }

    /** The overrides for proxies by pattern, in the order in which they were given; unmodifiable. */
    public Map<String, Integer> proxyOverrides() {
        return LimitsOverrides.asMap(proxies);
    }

    /** The longest wait for a lease in nanoseconds; 0 where only the client's own limits hold. */
    public long waitTimeoutNanos() {
        return waitTimeoutNanos;
    }

    /** How many exchanges may wait for one destination; {@link #UNLIMITED} where any number may. */
    public int maxPending() {
        return maxPending;
    }

    /** How long a wait without any release is before it is called a stall, in nanoseconds; 0 where it never is. */
    public long stallWarningNanos() {
        return stallWarningNanos;
    }

    /** What is done with the limits. */
    public Mode mode() {
        return mode;
    }

    /** A number of connections or waiters as the user wrote it. */
    static String text(int number) {
        return number == UNLIMITED ? "unlimited" : Integer.toString(number);
    }

    /** The limits that are not per pattern, as the start-up line shows them. */
    @Override
    public String toString() {
        return text(perServer) + " connections per server, " + text(perServer10) + " per HTTP/1.0 server, "
                + text(maxConnectionsPerProxy()) + " per proxy, " + text(total) + " in total";
    }

    /** Collects settings. Not safe for use by several threads. Every setter replaces what was there. */
    public static final class Builder {
        private int perServer = 2;
        private int perServer10 = 4;
        private int perProxy;
        private int total = UNLIMITED;
        private @Nullable LimitsOverrides servers;
        private @Nullable LimitsOverrides proxies;
        private long waitTimeoutNanos;
        private int maxPending = UNLIMITED;
        private long stallWarningNanos = 30_000_000_000L;
        private Mode mode = Mode.ENFORCE;

        private Builder() {}

        /** The limit per HTTP/1.1 (or later) server: from 1 up, or {@link #UNLIMITED}. */
        public Builder maxConnectionsPerServer(int limit) {
            perServer = atLeastOne(limit);
            return this;
        }

        /** The limit per HTTP/1.0 server: from 1 up, or {@link #UNLIMITED}. */
        public Builder maxConnectionsPer10Server(int limit) {
            perServer10 = atLeastOne(limit);
            return this;
        }

        /** The limit per proxy: from 1 up, or {@link #UNLIMITED}; without it the limits per server are followed. */
        public Builder maxConnectionsPerProxy(int limit) {
            perProxy = atLeastOne(limit);
            return this;
        }

        /** The limit of all connections of the JVM: from 1 up, or {@link #UNLIMITED}. */
        public Builder maxConnections(int limit) {
            total = atLeastOne(limit);
            return this;
        }

        /**
         * The limit for servers of either HTTP version that match a pattern.
         *
         * @param pattern {@code host}, {@code host:port} or {@code *.suffix}; an IPv6 address stands in brackets. The
         *     most specific wins: {@code host:port}, then {@code host}, then the longest suffix
         * @param limit from 1 up, or {@link #UNLIMITED}
         * @throws IllegalArgumentException where the pattern is none of these
         */
        public Builder serverOverride(String pattern, int limit) {
            servers = LimitsOverrides.with(servers, pattern, atLeastOne(limit));
            return this;
        }

        /** The same as {@link #serverOverride} for proxies. */
        public Builder proxyOverride(String pattern, int limit) {
            proxies = LimitsOverrides.with(proxies, pattern, atLeastOne(limit));
            return this;
        }

        /** The longest wait for a lease in nanoseconds; 0 for none. */
        public Builder waitTimeoutNanos(long nanos) {
            waitTimeoutNanos = notNegative(nanos);
            return this;
        }

        /** How many exchanges may wait for one destination: from 1 up, or {@link #UNLIMITED}. */
        public Builder maxPending(int count) {
            maxPending = atLeastOne(count);
            return this;
        }

        /** How long a wait without any release is before it is called a stall, in nanoseconds; 0 for never. */
        public Builder stallWarningNanos(long nanos) {
            stallWarningNanos = notNegative(nanos);
            return this;
        }

        /** What is done with the limits. */
        public Builder mode(Mode mode) {
            this.mode = mode;
            return this;
        }

        /** The settings collected so far; the builder may be used on. */
        public Limits build() {
            return new Limits(this);
        }

        private static int atLeastOne(int number) {
            if (number < 1) {
                throw new IllegalArgumentException("not a number from 1 up: " + number);
            }
            return number;
        }

        private static long notNegative(long nanos) {
            if (nanos < 0) {
                throw new IllegalArgumentException("not a duration from 0 up: " + nanos + " ns");
            }
            return nanos;
        }
    }
}
