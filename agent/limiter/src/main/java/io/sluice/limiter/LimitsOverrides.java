package io.sluice.limiter;

import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Limits by pattern: exact matches by hash, suffixes by walking the host's labels. Immutable once built. */
final class LimitsOverrides {
    private final Map<String, Integer> patterns = new LinkedHashMap<String, Integer>();
    /** Keyed by host, a blank and the port: unlike a colon, a blank is in no IPv6 address. */
    private final Map<String, Integer> byHostAndPort = new HashMap<String, Integer>();

    private final Map<String, Integer> byHost = new HashMap<String, Integer>();
    /** Keyed by the suffix without its {@code *.}. */
    private final Map<String, Integer> bySuffix = new HashMap<String, Integer>();

    private LimitsOverrides() {}

    static LimitsOverrides with(@Nullable LimitsOverrides before, String pattern, int limit) {
        LimitsOverrides after = new LimitsOverrides();
        if (before != null) {
            after.patterns.putAll(before.patterns);
            after.byHostAndPort.putAll(before.byHostAndPort);
            after.byHost.putAll(before.byHost);
            after.bySuffix.putAll(before.bySuffix);
        }
        after.add(pattern, limit);
        return after;
    }

    static Map<String, Integer> asMap(@Nullable LimitsOverrides overrides) {
        return overrides == null
                ? Collections.<String, Integer>emptyMap()
                : Collections.unmodifiableMap(overrides.patterns);
    }

    /** The limit of the most specific pattern that matches, or 0. */
    int find(Destination destination) {
        String host = destination.host();
        Integer found = null;
        if (!byHostAndPort.isEmpty()) {
            found = byHostAndPort.get(host + ' ' + destination.port());
        }
        if (found == null) {
            found = byHost.get(host);
        }
        if (found == null && !bySuffix.isEmpty()) {
            // From the left, so that the longest suffix is met first.
            for (int dot = host.indexOf('.'); dot >= 0 && found == null; dot = host.indexOf('.', dot + 1)) {
                found = bySuffix.get(host.substring(dot + 1));
            }
        }
        return found == null ? 0 : found;
    }

    private void add(String pattern, int limit) {
        String text = pattern.toLowerCase(Locale.ROOT);
        if (text.startsWith("*.")) {
            bySuffix.put(name(pattern, text.substring(2)), limit);
        } else if (text.startsWith("[")) {
            int end = text.indexOf(']');
            if (end < 2) {
                throw unreadable(pattern);
            }
            addHost(pattern, text.substring(1, end), text.substring(end + 1), limit);
        } else {
            int colon = text.indexOf(':');
            if (colon < 0 || colon != text.lastIndexOf(':')) { // none, or an IPv6 address without brackets
                addHost(pattern, text, "", limit);
            } else {
                addHost(pattern, name(pattern, text.substring(0, colon)), text.substring(colon), limit);
            }
        }
        patterns.put(text, limit);
    }

    private void addHost(String pattern, String host, String colonAndPort, int limit) {
        if (colonAndPort.isEmpty()) {
            byHost.put(host.indexOf(':') >= 0 ? host : name(pattern, host), limit);
        } else {
            byHostAndPort.put(host + ' ' + port(pattern, colonAndPort), limit);
        }
    }

    private static int port(String pattern, String colonAndPort) {
        int port = 0;
        try {
            port = colonAndPort.charAt(0) == ':' ? Integer.parseInt(colonAndPort.substring(1)) : 0;
        } catch (NumberFormatException notANumber) {
            throw unreadable(pattern);
        }
        if (port < 1 || port > 65535) {
            throw unreadable(pattern);
        }
        return port;
    }

    /** A host name or suffix; anything but empty ones and those with blanks, stars, slashes or colons. */
    private static String name(String pattern, String text) {
        boolean good = !text.isEmpty() && text.charAt(0) != '.';
        for (int i = 0; good && i < text.length(); i++) {
            char c = text.charAt(i);
            good = c > ' ' && c != '*' && c != '/' && c != ':' && c != '[' && c != ']';
        }
        if (!good) {
            throw unreadable(pattern);
        }
        return text;
    }

    private static IllegalArgumentException unreadable(String pattern) {
        return new IllegalArgumentException("not host, host:port or *.suffix: " + pattern);
    }
}
