package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class RelocationsTest {
    private static Relocation only(String value, String type) {
        List<Relocation> copies = Relocations.parse(value).copiesOf(Arrays.asList(type));
        assertThat(copies).hasSize(1);
        return copies.get(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                "a:",
                ":a",
                "a:b:c",
                "a:b,",
                ",a:b",
                "a:b;c:d",
                "a.:b",
                "a..b:c",
                "a/b:c",
                "1a:b",
                "a b:c",
                "a:a",
                "a:b,a:c",
                "java.x:org.apache.http",
                "a:java.net.http",
                "a:sun",
                "io.sluice.x:org.apache.http",
            })
    void refusesWhatIsNoListOfPackages(String value) {
        assertThat(Relocations.parse(value)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "a:b", "a:b,a:b", " a.b : c , d : e ", "shaded_1.$x:okhttp3", "javaxy:sunny", "com.sun:b"})
    void acceptsListsOfPackages(String value) {
        assertThat(Relocations.parse(value)).isNotNull();
    }

    @ParameterizedTest
    @CsvSource({
        "org.apache.http.HttpHost, x.http.HttpHost",
        "org.apache.http.impl.A$1, x.http.impl.A$1",
        "org.apache.httpx.A, org.apache.httpx.A",
        "org.apache.A, org.apache.A",
        "org.apache.http.nio.A, y.nio.A",
        "okio.Buffer, okio.Buffer",
    })
    void longestPackageDecides(String name, String renamed) {
        Relocation copy = only("x.http:org.apache.http,y.nio:org.apache.http.nio", "org.apache.http.A");
        assertThat(copy.name(name)).isEqualTo(renamed);
    }

    @ParameterizedTest
    @CsvSource({
        "'(ILokhttp3/A;[[Lokhttp3/b/C;)Lokhttp3/D;', '(ILx/A;[[Lx/b/C;)Lx/D;'",
        "'(Lokhttp3/A', '(Lx/A'",
        "'(Ljava/lang/String;Lokhttp', '(Ljava/lang/String;Lokhttp'",
        "'()V', '()V'",
        "'', ''",
    })
    void descriptorsAndTheirBeginningsAreRenamed(String descriptor, String renamed) {
        assertThat(only("x:okhttp3", "okhttp3.A").descriptor(descriptor)).isEqualTo(renamed);
    }

    @ParameterizedTest
    @CsvSource({
        "okhttp3.internal.A, x.internal.A",
        "okhttp3/internal/A, x/internal/A",
        "okhttp3.internal., x.internal.",
        "okhttp3.Proxy$, x.Proxy$",
        "okhttp3, okhttp3",
        "okhttp, okhttp",
        "okhttp3/4.9, okhttp3/4.9",
        "'okhttp3.A failed', 'okhttp3.A failed'",
        "my.helpers.Help, my.helpers.copy7.Help",
        "'', ''",
    })
    void textsAreRenamedWhereTheyAreClassNamesAndNothingElse(String text, String renamed) {
        Relocation copy = only("x:okhttp3", "okhttp3.A");
        assertThat(copy.nameHelpers(Arrays.asList("my.helpers.Help", "okhttp3.internal.SluiceHelp"), "copy7"))
                .containsExactly("my.helpers.copy7.Help", "x.internal.SluiceHelp");
        assertThat(copy.text(text)).isEqualTo(renamed);
        assertThat(copy.original("my.helpers.copy7.Help")).isEqualTo("my.helpers.Help");
        assertThat(copy.original("x.internal.SluiceHelp")).isEqualTo("okhttp3.internal.SluiceHelp");
    }

    @Test
    void everyCopyTakesTheCoreThatIsNamedMostLikeIt() {
        Relocations relocations =
                Relocations.parse("b.shaded.core5:org.apache.hc.core5,a.shaded.core5:org.apache.hc.core5,"
                        + "a.shaded.client5:org.apache.hc.client5,b.shaded.client5:org.apache.hc.client5,c.okio:okio");
        List<String> names = new ArrayList<>();
        for (Relocation copy :
                relocations.copiesOf(Arrays.asList("org.apache.hc.client5.A", "org.apache.hc.client5.B"))) {
            names.add(copy.name("org.apache.hc.client5.A") + " " + copy.name("org.apache.hc.core5.A") + " "
                    + copy.name("okio.A"));
        }
        assertThat(names)
                .containsExactly(
                        "a.shaded.client5.A a.shaded.core5.A c.okio.A", "b.shaded.client5.A b.shaded.core5.A c.okio.A");
        assertThat(relocations.copiesOf(Arrays.asList("org.apache.http.A"))).isEmpty();
    }

    @Test
    void knowsWhatIsInACopy() {
        Relocations relocations = Relocations.parse("a.http:org.apache.http");
        assertThat(relocations.covers("a.http.B", '.')).isTrue();
        assertThat(relocations.covers("a/http/B", '/')).isTrue();
        assertThat(relocations.covers("a/httpx/B", '/')).isFalse();
        assertThat(relocations.covers("org/apache/http/B", '/')).isFalse();
        assertThat(Relocations.NONE.covers("a.B", '.')).isFalse();
    }
}
