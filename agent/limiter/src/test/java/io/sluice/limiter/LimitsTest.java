package io.sluice.limiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class LimitsTest {
    private static final Destination SERVER = Destination.server("http", "api.example.com", 8080);
    private static final Destination PROXY = Destination.proxy("proxy.example.com", 3128);

    @Test
    void defaultsAreTwoPerServerAndFourPerHttp10ServerAndProxy() {
        Limits limits = Limits.defaults();
        assertThat(limits.limitFor(SERVER, false)).isEqualTo(2);
        assertThat(limits.limitFor(SERVER, true)).isEqualTo(4);
        assertThat(limits.limitFor(PROXY, false)).isEqualTo(4);
        assertThat(limits.limitFor(Destination.TOTAL, false)).isEqualTo(Limits.UNLIMITED);
        assertThat(limits.waitTimeoutNanos()).isZero();
        assertThat(limits.maxPending()).isEqualTo(Limits.UNLIMITED);
        assertThat(limits.stallWarningNanos()).isEqualTo(30_000_000_000L);
        assertThat(limits.mode()).isEqualTo(Limits.Mode.ENFORCE);
    }

    @ParameterizedTest
    @CsvSource({"6, 4, 6", "1, 3, 3"})
    void proxyLimitFollowsTheLargerServerLimitUntilSet(int perServer, int per10Server, int perProxy) {
        Limits.Builder builder =
                Limits.builder().maxConnectionsPerServer(perServer).maxConnectionsPer10Server(per10Server);
        assertThat(builder.build().limitFor(PROXY, false)).isEqualTo(perProxy);
        assertThat(builder.maxConnectionsPerProxy(1).build().limitFor(PROXY, false))
                .isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "api.example.com, 8080, 10", // host:port before host
        "api.example.com, 80, 20", // host before suffix
        "API.Example.Com, 80, 20", // hosts are case-insensitive
        "x.api.example.com, 80, 30", // the longest suffix
        "www.example.com, 80, 40",
        "example.com, 80, 2", // a suffix does not match itself
        "badexample.com, 80, 2", // nor in the middle of a label
        "::1, 8080, 50",
        "[::1], 8080, 50", // brackets make no difference
        "::1, 80, 60",
        "2001:db8::1, 80, 70",
    })
    void mostSpecificOverrideWinsForBothHttpVersions(String host, int port, int expected) {
        Limits limits = Limits.builder()
                .serverOverride("*.example.com", 40)
                .serverOverride("*.api.example.com", 30)
                .serverOverride("Api.example.com", 20)
                .serverOverride("api.example.com:8080", 10)
                .serverOverride("[::1]:8080", 50)
                .serverOverride("[::1]", 60)
                .serverOverride("2001:db8::1", 70)
                .maxConnectionsPer10Server(2)
                .build();
        assertThat(limits.limitFor(Destination.server("http", host, port), false))
                .isEqualTo(expected);
        assertThat(limits.limitFor(Destination.server("https", host, port), true))
                .isEqualTo(expected);
        assertThat(limits.limitFor(Destination.proxy(host, port), false)).isEqualTo(2);
    }

    @Test
    void proxyOverridesHoldForProxiesAlone() {
        Limits limits = Limits.builder().proxyOverride("*.example.com", 9).build();
        assertThat(limits.limitFor(PROXY, false)).isEqualTo(9);
        assertThat(limits.limitFor(SERVER, false)).isEqualTo(2);
        assertThat(limits.proxyOverrides()).containsOnlyKeys("*.example.com");
        assertThat(limits.serverOverrides()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "*",
                "*.",
                "*.*.com",
                "host:",
                "host:0",
                "host:65536",
                "host:http",
                "a b",
                "http://a",
                "[::1",
                "[::1]8080",
                "[]",
                ":80",
                "*.example.com:80",
                ".example.com"
            })
    void unreadablePatternIsRefused(String pattern) {
        assertThatThrownBy(() -> Limits.builder().serverOverride(pattern, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("not host, host:port or *.suffix: " + pattern);
    }

    @Test
    void toBuilderKeepsEverySettingAndLeavesTheOriginalAlone() {
        Limits original = Limits.builder()
                .maxConnectionsPerServer(3)
                .maxConnectionsPer10Server(5)
                .maxConnectionsPerProxy(7)
                .maxConnections(11)
                .serverOverride("a", 13)
                .proxyOverride("p", 17)
                .waitTimeoutNanos(19)
                .maxPending(23)
                .stallWarningNanos(0)
                .mode(Limits.Mode.OBSERVE)
                .build();
        Limits copy = original.toBuilder().serverOverride("b", 29).build();
        assertThat(copy.limitFor(SERVER, false)).isEqualTo(3);
        assertThat(copy.limitFor(SERVER, true)).isEqualTo(5);
        assertThat(copy.limitFor(PROXY, true)).isEqualTo(7);
        assertThat(copy.limitFor(Destination.TOTAL, false)).isEqualTo(11);
        assertThat(copy.limitFor(Destination.server("http", "a", 0), false)).isEqualTo(13);
        assertThat(copy.limitFor(Destination.proxy("p", 0), false)).isEqualTo(17);
        assertThat(copy.waitTimeoutNanos()).isEqualTo(19);
        assertThat(copy.maxPending()).isEqualTo(23);
        assertThat(copy.stallWarningNanos()).isZero();
        assertThat(copy.mode()).isEqualTo(Limits.Mode.OBSERVE);
        assertThat(copy.serverOverrides()).containsOnlyKeys("a", "b");
        assertThat(original.serverOverrides()).containsOnlyKeys("a");
    }

    @Test
    void numbersOutOfRangeAreRefused() {
        assertThatThrownBy(() -> Limits.builder().maxConnectionsPerServer(0)).hasMessage("not a number from 1 up: 0");
        assertThatThrownBy(() -> Limits.builder().waitTimeoutNanos(-1)).hasMessage("not a duration from 0 up: -1 ns");
    }
}
