package io.sluice.instrumentation.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class HookTest {
    private static final Hook ANY = Hook.on("a.B").method("m");

    @Test
    void matchesByNameAlone() {
        assertThat(ANY.matches("m", "()V", 0)).isTrue();
        assertThat(ANY.matches("m2", "()V", 0)).isFalse();
    }

    @Test
    void matchesByBeginningOfDescriptor() {
        Hook hook = ANY.descriptor("(Ljava/net/URL;");
        assertThat(hook.matches("m", "(Ljava/net/URL;I)V", 2)).isTrue();
        assertThat(hook.matches("m", "(ILjava/net/URL;)V", 2)).isFalse();
    }

    @Test
    void matchesByWholeDescriptor() {
        Hook hook = ANY.descriptor("(I)V");
        assertThat(hook.matches("m", "(I)V", 1)).isTrue();
        assertThat(hook.matches("m", "(II)V", 2)).isFalse();
    }

    @Test
    void matchesByNumberOfParameters() {
        Hook hook = ANY.parameters(1);
        assertThat(hook.matches("m", "(I)V", 1)).isTrue();
        assertThat(hook.matches("m", "(II)V", 2)).isFalse();
    }

    @Test
    void everyMethodKeepsWhatTheOthersSet() {
        Hook hook = Hook.on("a.B")
                .advice("a.C")
                .optional()
                .requireType()
                .parameters(1)
                .descriptor("(I")
                .method(Hook.CONSTRUCTOR);
        assertThat(hook.type()).isEqualTo("a.B");
        assertThat(hook.method()).isEqualTo("<init>");
        assertThat(hook.advice()).isEqualTo("a.C");
        assertThat(hook.isOptional()).isTrue();
        assertThat(hook.matches("<init>", "(I)V", 1)).isTrue();
        assertThat(hook.matches("<init>", "(I)V", 2)).isFalse();
        assertThat(hook).hasToString("a.B.<init>(I");
        assertThat(hook.isTypeRequired()).isTrue();
        assertThat(ANY.isOptional()).isFalse();
        assertThat(ANY.isTypeRequired()).isFalse();

        Hook relocated = hook.type("x.a.B").descriptor("(J");
        assertThat(relocated.type()).isEqualTo("x.a.B");
        assertThat(relocated.descriptor()).isEqualTo("(J");
        assertThat(relocated.method()).isEqualTo("<init>");
        assertThat(relocated.advice()).isEqualTo("a.C");
        assertThat(relocated.isOptional()).isTrue();
        assertThat(relocated.isTypeRequired()).isTrue();
        assertThat(relocated.matches("<init>", "(J)V", 1)).isTrue();
    }
}
