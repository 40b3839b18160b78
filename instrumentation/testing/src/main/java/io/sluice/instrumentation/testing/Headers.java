package io.sluice.instrumentation.testing;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The header fields of a message in their order; names are compared without regard to case (RFC 9110, 5.1). */
final class Headers {
    private final List<String> names = new ArrayList<>();
    private final List<String> values = new ArrayList<>();

    Headers add(String name, String value) {
        names.add(name);
        values.add(value);
        return this;
    }

    /** The first value of a field, or null. */
    @Nullable
    String first(String name) {
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).equalsIgnoreCase(name)) {
                return values.get(i);
            }
        }
        return null;
    }

    /** Whether a comma-separated field contains a token, such as {@code close} in {@code Connection}. */
    boolean hasToken(String name, String token) {
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).equalsIgnoreCase(name)) {
                for (String part : values.get(i).split(",", -1)) {
                    if (part.trim().equalsIgnoreCase(token)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** The value of {@code Content-Length}, or -1. */
    long contentLength() {
        String value = first("Content-Length");
        return value == null ? -1 : Long.parseLong(value.trim());
    }

    /** A copy without the fields of the given names, which are lower case. */
    Headers without(List<String> lowerCaseNames) {
        Headers rest = new Headers();
        for (int i = 0; i < names.size(); i++) {
            if (!lowerCaseNames.contains(names.get(i).toLowerCase(Locale.ROOT))) {
                rest.add(names.get(i), values.get(i));
            }
        }
        return rest;
    }

    List<String> names() {
        return Collections.unmodifiableList(names);
    }

    /** Appends the fields as {@code name: value} lines. */
    void appendTo(StringBuilder head) {
        for (int i = 0; i < names.size(); i++) {
            head.append(names.get(i)).append(": ").append(values.get(i)).append("\r\n");
        }
    }
}
