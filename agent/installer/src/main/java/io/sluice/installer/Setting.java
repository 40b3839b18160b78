package io.sluice.installer;

import io.sluice.limiter.Limits;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Every key that can be set, with what it accepts. The overrides per pattern are {@link #SERVER} and {@link #PROXY}. */
enum Setting {
    /** The limit per HTTP/1.1 (or later) server. */
    MAX_CONNECTIONS_PER_SERVER("maxConnectionsPerServer", Setting.NUMBER, "2"),
    /** The limit per server whose last response began with {@code HTTP/1.0}. */
    MAX_CONNECTIONS_PER_1_0_SERVER("maxConnectionsPer1_0Server", Setting.NUMBER, "4"),
    /** The limit per proxy, all origins together. */
    MAX_CONNECTIONS_PER_PROXY("maxConnectionsPerProxy", Setting.NUMBER, ""),
    /** The limit of all connections of the JVM. */
    MAX_CONNECTIONS("maxConnections", Setting.NUMBER, "unlimited"),
    /** The longest wait for a lease. */
    WAIT_TIMEOUT("waitTimeout", Setting.DURATION, "0"),
    /** The longest queue per destination. */
    MAX_PENDING("maxPending", Setting.NUMBER, "unlimited"),
    /** How long a wait without any release is before a warning. */
    STALL_WARNING("stallWarning", Setting.DURATION, "30s"),
    /** What is printed. */
    LOG("log", "off, warn, info or debug", "warn"),
    /** What is done with the limits. */
    MODE("mode", "enforce, observe or off", "enforce"),
    /** What is done about responses that are never closed; reserved, accepted and not used yet. */
    LEAK_DETECTION("leakDetection", "off, on or stack", "on"),
    /** Under which other package names the program has copies of clients. */
    RELOCATED("relocated", Setting.RELOCATIONS, ""),
    /** A properties file with more settings. */
    CONFIG("config", "the path of a properties file", ""),
    /** {@code sluice.server.<pattern>.maxConnections}; has no environment variable, as those have no dots and colons. */
    SERVER("server.<pattern>.maxConnections", Setting.NUMBER, ""),
    /** {@code sluice.proxy.<pattern>.maxConnections}. */
    PROXY("proxy.<pattern>.maxConnections", Setting.NUMBER, "");

    /** What begins every key, except in the agent's arguments, where it may be left out. */
    static final String PREFIX = "sluice.";

    /** What begins every environment variable. */
    static final String ENVIRONMENT_PREFIX = "SLUICE_";

    private static final String NUMBER = "an integer from 1 up, or unlimited";
    private static final String DURATION = "0, or a number with ms, s or m, such as 500ms or 30s";
    private static final String RELOCATIONS =
            "relocated:original package names, such as com.acme.okhttp3:okhttp3, with commas between several";
    private static final String PATTERN_END = ".maxConnections";
    private static final long NANOS_PER_MILLI = 1_000_000L;

    private final String name;
    private final String accepted;
    private final String defaultValue;

    Setting(String name, String accepted, String defaultValue) {
        this.name = name;
        this.accepted = accepted;
        this.defaultValue = defaultValue;
    }

    /** The setting of a key, which has its prefix; null for an unknown one. */
    static @Nullable Setting of(String key) {
        for (Setting setting : values()) {
            if (setting.pattern(key) != null || !setting.isPattern() && key.equals(setting.key())) {
                return setting;
            }
        }
        return null;
    }

    /** The key as it stands in system properties, or a form of it for the two with a pattern. */
    String key() {
        return PREFIX + name;
    }

    /** The environment variable: {@code SLUICE_MAX_CONNECTIONS_PER_1_0_SERVER}. Empty for those with a pattern. */
    String environmentVariable() {
        if (isPattern()) {
            return "";
        }
        StringBuilder variable = new StringBuilder(ENVIRONMENT_PREFIX);
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean wordBegins = Character.isUpperCase(c) || Character.isDigit(c);
            if (wordBegins && name.charAt(i - 1) != '_') {
                variable.append('_');
            }
            variable.append(Character.toUpperCase(c));
        }
        return variable.toString();
    }

    /** Whether this is an override, whose key contains a pattern. */
    boolean isPattern() {
        return name.endsWith(PATTERN_END);
    }

    /** The pattern within a key of this setting; null where the key is not one of this setting, or this has none. */
    @Nullable
    String pattern(String key) {
        if (!isPattern()) {
            return null;
        }
        String begin = PREFIX + name.substring(0, name.indexOf('<'));
        boolean ours = key.startsWith(begin)
                && key.endsWith(PATTERN_END)
                && key.length() > begin.length() + PATTERN_END.length();
        return ours ? key.substring(begin.length(), key.length() - PATTERN_END.length()) : null;
    }

    /** The value where nobody sets one; empty where there is none. */
    String defaultValue() {
        return defaultValue;
    }

    /** What holds where nobody sets a value, in words. */
    String fallback() {
        if (!defaultValue.isEmpty()) {
            return defaultValue + " (default)";
        }
        if (isPattern()) {
            return "no override";
        }
        return this == CONFIG
                ? "no file"
                : this == RELOCATED ? "none (default)" : "the larger of the servers' limits (default)";
    }

    /**
     * Puts a value into the settings.
     *
     * @param key the whole key, for its pattern
     * @throws IllegalArgumentException saying what is accepted, where the value, or the key's pattern, is not
     */
    void apply(String key, String value, Settings.Builder to) {
        Limits.Builder limits = to.limits;
        switch (this) {
            case MAX_CONNECTIONS_PER_SERVER:
                limits.maxConnectionsPerServer(number(value));
                break;
            case MAX_CONNECTIONS_PER_1_0_SERVER:
                limits.maxConnectionsPer10Server(number(value));
                break;
            case MAX_CONNECTIONS_PER_PROXY:
                limits.maxConnectionsPerProxy(number(value));
                break;
            case MAX_CONNECTIONS:
                limits.maxConnections(number(value));
                break;
            case WAIT_TIMEOUT:
                limits.waitTimeoutNanos(nanos(value));
                break;
            case MAX_PENDING:
                limits.maxPending(number(value));
                break;
            case STALL_WARNING:
                limits.stallWarningNanos(nanos(value));
                break;
            case LOG:
                to.log = choice(Log.Level.class, value);
                break;
            case MODE:
                limits.mode(choice(Limits.Mode.class, value));
                break;
            case LEAK_DETECTION:
                to.leakDetection = choice(Settings.LeakDetection.class, value);
                break;
            case RELOCATED:
                Relocations relocations = Relocations.parse(value);
                if (relocations == null) {
                    throw refusal();
                }
                to.relocations = relocations;
                break;
            case CONFIG:
                if (value.isEmpty()) {
                    throw refusal();
                }
                break;
            case SERVER:
                limits.serverOverride(String.valueOf(pattern(key)), number(value));
                break;
            case PROXY:
                limits.proxyOverride(String.valueOf(pattern(key)), number(value));
                break;
        }
    }

    private int number(String value) {
        return value.equalsIgnoreCase("unlimited") ? Limits.UNLIMITED : (int) digits(value, 1, Integer.MAX_VALUE);
    }

    private long nanos(String value) {
        String text = value.toLowerCase(Locale.ROOT);
        if (text.equals("0")) {
            return 0;
        }
        int unit = text.endsWith("ms") ? 2 : 1;
        long millis = text.endsWith("ms") ? 1 : text.endsWith("s") ? 1_000 : text.endsWith("m") ? 60_000 : 0;
        if (millis == 0) {
            throw refusal();
        }
        long nanosPerUnit = millis * NANOS_PER_MILLI;
        return digits(text.substring(0, text.length() - unit), 0, Long.MAX_VALUE / nanosPerUnit) * nanosPerUnit;
    }

    /** Digits and nothing else: {@link Long#parseLong} would take signs, and digits of any script. */
    private long digits(String text, long least, long most) {
        boolean good = !text.isEmpty() && text.length() < 19;
        for (int i = 0; good && i < text.length(); i++) {
            good = text.charAt(i) >= '0' && text.charAt(i) <= '9';
        }
        long number = good ? Long.parseLong(text) : -1;
        if (number < least || number > most) {
            throw refusal();
        }
        return number;
    }

    private <E extends Enum<E>> E choice(Class<E> choices, String value) {
        for (E choice : choices.getEnumConstants()) {
            if (choice.name().equalsIgnoreCase(value)) {
                return choice;
            }
        }
        throw refusal();
    }

    private IllegalArgumentException refusal() {
        return new IllegalArgumentException("expected " + accepted);
    }
}
