package io.sluice.limiter;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a limit counts connections to: a server (scheme, host, port), a proxy (host, port), or everything.
 *
 * <p>The host is kept in lower case, as RFC 3986 section 3.2.2 makes hosts case-insensitive; a missing port becomes the
 * scheme's default. Immutable; equal when kind, scheme, host and port are.
 */
public final class Destination {
    /** What is at the other end. */
    public enum Kind {
        /** The server named by the request's URI. */
        SERVER,
        /** A forward proxy. */
        PROXY,
        /** All connections of this JVM. */
        TOTAL
    }

    /** All connections of this JVM, wherever they lead. */
    public static final Destination TOTAL = new Destination(Kind.TOTAL, "", "*", 0);

    private final Kind kind;
    private final String scheme;
    private final String host;
    private final int port;
    private final int hash;

    private Destination(Kind kind, String scheme, String host, int port) {
        this.kind = kind;
        this.scheme = scheme;
        this.host = host;
        this.port = port;
        this.hash = (host.hashCode() * 31 + port) * 31 + scheme.hashCode() + kind.ordinal();
    }

    /**
     * The server of a request.
     *
     * @param scheme {@code http} or {@code https}, in any case; {@code null} counts as {@code http}
     * @param host the URI's host; brackets around an IPv6 address may be there or not
     * @param port the URI's port; zero or less means the scheme's default
     */
    public static Destination server(@Nullable String scheme, String host, int port) {
        boolean secure = "https".equalsIgnoreCase(scheme) || "wss".equalsIgnoreCase(scheme);
        return new Destination(
                Kind.SERVER, secure ? "https" : "http", normal(host), port > 0 ? port : secure ? 443 : 80);
    }

    /** A forward proxy; a port of zero or less means 80. */
    public static Destination proxy(String host, int port) {
        return new Destination(Kind.PROXY, "", normal(host), port > 0 ? port : 80);
    }

    private static String normal(String host) {
        boolean bracketed = host.length() > 2 && host.charAt(0) == '[' && host.charAt(host.length() - 1) == ']';
        return (bracketed ? host.substring(1, host.length() - 1) : host).toLowerCase(Locale.ROOT);
    }

    /** What is at the other end. */
    public Kind kind() {
        return kind;
    }

    /** {@code http} or {@code https} for a server, otherwise empty. */
    public String scheme() {
        return scheme;
    }

    /** The host in lower case, an IPv6 address without brackets. */
    public String host() {
        return host;
    }

    /** The port, never a placeholder; 0 for {@link #TOTAL}. */
    public int port() {
        return port;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        if (this == other) {
            return true;
        }
        if (!(other instanceof Destination)) {
            return false;
        }
        Destination that = (Destination) other;
        return hash == that.hash
                && kind == that.kind
                && port == that.port
                && host.equals(that.host)
                && scheme.equals(that.scheme);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** {@code http://host:port}, {@code proxy host:port} or {@code all connections}, as messages show it. */
    @Override
    public String toString() {
        if (kind == Kind.TOTAL) {
            return "all connections";
        }
        String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return (kind == Kind.PROXY ? "proxy " : scheme + "://") + name + ":" + port;
    }
}
