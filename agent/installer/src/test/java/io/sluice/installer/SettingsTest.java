package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Destination;
import io.sluice.limiter.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(20)
class SettingsTest {
    private static final String NUMBER = "expected an integer from 1 up, or unlimited";
    private static final String DURATION = "expected 0, or a number with ms, s or m, such as 500ms or 30s";
    private static final String RELOCATED =
            "expected relocated:original package names, such as com.acme.okhttp3:okhttp3,"
                    + " with commas between several";
    private static final int MANY = Limits.UNLIMITED;

    private final List<String> warnings = new ArrayList<>();
    private final Properties properties = new Properties();
    private final Map<String, String> environment = new HashMap<>();

    @TempDir
    Path directory;

    private Settings read(String agentArguments) {
        return new SettingsWatcher(agentArguments, properties, environment, warnings).settings();
    }

    private static Destination server(String host, int port) {
        return Destination.server("http", host, port);
    }

    static Stream<Arguments> goodValues() {
        return Stream.of(
                good("maxConnectionsPerServer", "6", s -> s.limits().maxConnectionsPerServer(), 6),
                good("maxConnectionsPerServer", " 6 ", s -> s.limits().maxConnectionsPerServer(), 6),
                good("maxConnectionsPerServer", "unlimited", s -> s.limits().maxConnectionsPerServer(), MANY),
                good("maxConnectionsPerServer", "Unlimited", s -> s.limits().maxConnectionsPerServer(), MANY),
                good("maxConnectionsPerServer", "2147483646", s -> s.limits().maxConnectionsPerServer(), 2147483646),
                good("maxConnectionsPer1_0Server", "1", s -> s.limits().maxConnectionsPer10Server(), 1),
                good("maxConnectionsPerProxy", "9", s -> s.limits().maxConnectionsPerProxy(), 9),
                good("maxConnections", "100", s -> s.limits().maxConnections(), 100),
                good("maxPending", "50", s -> s.limits().maxPending(), 50),
                good("waitTimeout", "500ms", s -> s.limits().waitTimeoutNanos(), 500_000_000L),
                good("waitTimeout", "30s", s -> s.limits().waitTimeoutNanos(), 30_000_000_000L),
                good("waitTimeout", "2m", s -> s.limits().waitTimeoutNanos(), 120_000_000_000L),
                good("waitTimeout", "0", s -> s.limits().waitTimeoutNanos(), 0L),
                good("waitTimeout", "0s", s -> s.limits().waitTimeoutNanos(), 0L),
                good("stallWarning", "0", s -> s.limits().stallWarningNanos(), 0L),
                good("stallWarning", "1m", s -> s.limits().stallWarningNanos(), 60_000_000_000L),
                good("log", "off", Settings::log, Log.Level.OFF),
                good("log", "DEBUG", Settings::log, Log.Level.DEBUG),
                good("mode", "enforce", s -> s.limits().mode(), Limits.Mode.ENFORCE),
                good("mode", "observe", s -> s.limits().mode(), Limits.Mode.OBSERVE),
                good("mode", "off", s -> s.limits().mode(), Limits.Mode.OFF),
                good("leakDetection", "stack", Settings::leakDetection, Settings.LeakDetection.STACK),
                good("relocated", "x.a:a,x.b:b", s -> s.relocations().covers("x.b.C", '.'), true),
                good("server.a.example.maxConnections", "7", s -> s.limits().limitFor(server("a.example", 1), true), 7),
                good("server.*.example.maxConnections", "7", s -> s.limits().limitFor(server("a.example", 1), true), 7),
                good("server.[::1]:80.maxConnections", "7", s -> s.limits().limitFor(server("::1", 80), true), 7),
                good("server.a:8080.maxConnections", "7", s -> s.limits().limitFor(server("a", 8080), true), 7),
                good("server.a:8080.maxConnections", "7", s -> s.limits().limitFor(server("a", 80), true), 4),
                good(
                        "proxy.p:3128.maxConnections",
                        "8",
                        s -> s.limits().limitFor(Destination.proxy("p", 3128), false),
                        8));
    }

    private static Arguments good(String key, String value, Function<Settings, Object> read, Object expected) {
        return Arguments.of(key, value, read, expected);
    }

    @ParameterizedTest(name = "{0}={1}")
    @MethodSource("goodValues")
    void goodValueIsTaken(String key, String value, Function<Settings, Object> read, Object expected)
            throws IOException {
        properties.setProperty("sluice." + key, value);
        assertThat(read.apply(read(null))).isEqualTo(expected);
        properties.clear();

        assertThat(read.apply(read(key + "=" + value))).isEqualTo(expected);
        assertThat(read.apply(read("x=y, sluice." + key + " = " + value + " ,")))
                .isEqualTo(expected);
        warnings.clear();

        Setting setting = Setting.of("sluice." + key);
        if (!setting.isPattern()) {
            environment.put(setting.environmentVariable(), value);
            assertThat(read.apply(read(null))).isEqualTo(expected);
            environment.clear();
        }

        assertThat(read.apply(read("config=" + file("# comment", "other=1", "sluice." + key + " = " + value))))
                .isEqualTo(expected);
        assertThat(warnings).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "maxConnectionsPerServer, SLUICE_MAX_CONNECTIONS_PER_SERVER",
        "maxConnectionsPer1_0Server, SLUICE_MAX_CONNECTIONS_PER_1_0_SERVER",
        "waitTimeout, SLUICE_WAIT_TIMEOUT",
        "log, SLUICE_LOG",
    })
    void environmentVariableIsTheKeyInUpperCase(String key, String variable) {
        assertThat(Setting.of("sluice." + key).environmentVariable()).isEqualTo(variable);
    }

    @ParameterizedTest(name = "{0}={1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "maxConnectionsPerServer    | 0           | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | -1          | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | +5          | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | 2.0         | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | two         | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | ''          | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | \u0665      | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | 2147483648  | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPerServer    | 99999999999999999999 | " + NUMBER + "; using 2 (default) instead",
                "maxConnectionsPer1_0Server | none        | " + NUMBER + "; using 4 (default) instead",
                "maxConnectionsPerProxy     | 0           | " + NUMBER
                        + "; using the larger of the servers' limits (default) instead",
                "maxConnections             | 0           | " + NUMBER + "; using unlimited (default) instead",
                "maxPending                 | 0           | " + NUMBER + "; using unlimited (default) instead",
                "waitTimeout                | 30          | " + DURATION + "; using 0 (default) instead",
                "waitTimeout                | s           | " + DURATION + "; using 0 (default) instead",
                "waitTimeout                | 1.5s        | " + DURATION + "; using 0 (default) instead",
                "waitTimeout                | -1s         | " + DURATION + "; using 0 (default) instead",
                "waitTimeout                | 1 s         | " + DURATION + "; using 0 (default) instead",
                "waitTimeout                | 999999999999999s | " + DURATION + "; using 0 (default) instead",
                "stallWarning               | soon        | " + DURATION + "; using 30s (default) instead",
                "log                        | loud        | expected off, warn, info or debug; using warn (default) instead",
                "mode                       | on          | expected enforce, observe or off; using enforce (default) instead",
                "leakDetection              | yes         | expected off, on or stack; using on (default) instead",
                "relocated                  | x.a=a       | " + RELOCATED + "; using none (default) instead",
                "relocated                  | x.a:a,x.b   | " + RELOCATED + "; using none (default) instead",
                "config                     | ''          | expected the path of a properties file; using no file instead",
                "server.a.maxConnections    | 0           | " + NUMBER + "; using no override instead",
                "server.a/b.maxConnections  | 3           | not host, host:port or *.suffix: a/b; using no override instead",
                "proxy.a:b.maxConnections   | 3           | not host, host:port or *.suffix: a:b; using no override instead",
            })
    void badValueIsNamedWithWhatIsAcceptedAndWhatIsUsed(String key, String value, String rest) {
        properties.setProperty("sluice." + key, value);
        Settings settings = read(null);
        assertThat(warnings).containsExactly("sluice." + key + "=" + value + " (system property): " + rest);
        assertThat(settings.limits()).hasToString(Limits.defaults().toString());
        assertThat(settings.limits().mode()).isEqualTo(Limits.Mode.ENFORCE);
        assertThat(settings.log()).isEqualTo(Log.Level.WARN);
        assertThat(settings.limits().serverOverrides()).isEmpty();
    }

    @Test
    void strongestSourceWins() throws IOException {
        String config = file("sluice.maxConnectionsPerServer=11", "sluice.maxPending=11");
        environment.put("SLUICE_CONFIG", config);
        assertThat(read(null).limits().maxConnectionsPerServer()).isEqualTo(11);
        environment.put("SLUICE_MAX_CONNECTIONS_PER_SERVER", "12");
        assertThat(read(null).limits().maxConnectionsPerServer()).isEqualTo(12);
        properties.setProperty("sluice.maxConnectionsPerServer", "13");
        assertThat(read(null).limits().maxConnectionsPerServer()).isEqualTo(13);
        Settings settings = read("maxConnectionsPerServer=14");
        assertThat(settings.limits().maxConnectionsPerServer()).isEqualTo(14);
        assertThat(settings.limits().maxPending()).isEqualTo(11);
        assertThat(settings.value("sluice.maxConnectionsPerServer")).isEqualTo("14");
        assertThat(settings.value("sluice.log")).isEqualTo("warn");
        assertThat(warnings).isEmpty();
    }

    @Test
    void badValueGivesWayToTheNextWeakerSource() {
        environment.put("SLUICE_MAX_CONNECTIONS_PER_SERVER", "5");
        properties.setProperty("sluice.maxConnectionsPerServer", "many");
        Settings settings = read("maxConnectionsPerServer=0");
        assertThat(settings.limits().maxConnectionsPerServer()).isEqualTo(5);
        assertThat(warnings)
                .containsExactly(
                        "sluice.maxConnectionsPerServer=0 (agent argument): " + NUMBER
                                + "; using SLUICE_MAX_CONNECTIONS_PER_SERVER=5 (environment variable) instead",
                        "sluice.maxConnectionsPerServer=many (system property): " + NUMBER
                                + "; using SLUICE_MAX_CONNECTIONS_PER_SERVER=5 (environment variable) instead");
    }

    @Test
    void emptyEnvironmentVariableCountsAsUnset() {
        environment.put("SLUICE_MODE", "");
        assertThat(read(null).limits().mode()).isEqualTo(Limits.Mode.ENFORCE);
        assertThat(warnings).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "sluice.maxConnectionPerServer, sluice.maxConnectionsPerServer",
        "sluice.maxconnectionsperserver, sluice.maxConnectionsPerServer",
        "sluice.maxConnectionsPer1.0Server, sluice.maxConnectionsPer1_0Server",
        "sluice.timeout, sluice.waitTimeout",
        "sluice.modes, sluice.mode",
        "sluice.server.api.example.com.limit, sluice.server.<pattern>.maxConnections",
        "sluice.proxy.maxConnections, sluice.proxy.<pattern>.maxConnections",
    })
    void unknownKeyIsNamedWithTheNearestKnownOne(String unknown, String nearest) {
        properties.setProperty(unknown, "3");
        read(null);
        assertThat(warnings)
                .containsExactly("unknown setting " + unknown + " (system property); did you mean " + nearest + "?");
    }

    @Test
    void unknownEnvironmentVariableIsNamedWithTheNearestKnownOne() {
        environment.put("SLUICE_MAX_CONNECTIONS_PER_HOST", "3");
        read(null);
        assertThat(warnings)
                .containsExactly("unknown environment variable SLUICE_MAX_CONNECTIONS_PER_HOST; did you mean "
                        + "SLUICE_MAX_CONNECTIONS_PER_PROXY?");
    }

    @Test
    void argumentWithoutValueIsNamed() {
        read("maxPending=3,verbose,=4");
        assertThat(warnings)
                .containsExactly(
                        "agent argument verbose is not key=value; ignored",
                        "agent argument =4 is not key=value; ignored");
    }

    @Test
    void relocationsInAnArgumentGoOnBehindCommas() {
        Settings settings = read("maxPending=3,relocated=x.a:a, x.b:b,maxConnections=4,y:z");
        assertThat(settings.value("sluice.relocated")).isEqualTo("x.a:a,x.b:b");
        assertThat(settings.limits().maxConnections()).isEqualTo(4);
        assertThat(warnings).containsExactly("agent argument y:z is not key=value; ignored");
    }

    @Test
    void missingFileIsNamedInOneLine() {
        properties.setProperty("sluice.config", directory + "/missing");
        read(null);
        assertThat(warnings)
                .singleElement()
                .asString()
                .startsWith("sluice.config=" + directory + "/missing cannot be read")
                .endsWith("; its settings are not used");
    }

    @Test
    void fileTakesColonsBlanksBackslashesAndAByteOrderMark() throws IOException {
        Settings settings = read("config="
                + file(
                        "\uFEFFsluice.maxConnectionsPerServer=3",
                        "sluice.maxConnections: 4",
                        "sluice.maxPending 5",
                        "sluice.server.a:80.maxConnections=6",
                        "sluice.server.b\\:80.maxConnections=7",
                        "! sluice.log=loud",
                        "application.name=x",
                        "waitTimeout=9s"));
        assertThat(settings.limits().maxConnectionsPerServer()).isEqualTo(3);
        assertThat(settings.limits().maxConnections()).isEqualTo(4);
        assertThat(settings.limits().maxPending()).isEqualTo(5);
        assertThat(settings.limits().limitFor(server("a", 80), false)).isEqualTo(6);
        assertThat(settings.limits().limitFor(server("b", 80), false)).isEqualTo(7);
        assertThat(settings.limits().waitTimeoutNanos()).isZero();
        assertThat(warnings)
                .containsExactly(
                        "waitTimeout (file " + directory.resolve("file") + ") is not sluice.waitTimeout; ignored");
    }

    @Test
    void otherPropertiesAndVariablesAreNoneOfOurs() {
        properties.setProperty("slice.mode", "off");
        properties.setProperty("maxPending", "x");
        environment.put("MODE", "off");
        read(null);
        assertThat(warnings).isEmpty();
        assertThat(Source.ours(properties)).isEqualTo(Collections.emptyMap());
    }

    private String file(String... lines) throws IOException {
        Path file = directory.resolve("file");
        Files.write(file, String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
        return file.toString();
    }
}
