package io.sluice.instrumentation.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import net.bytebuddy.asm.Advice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class AdviceRulesTest {
    private static final String HERE = AdviceRulesTest.class.getName();

    private static List<String> violations(Class<?> advice, String... libraryPrefixes) throws Exception {
        List<String> found = new ArrayList<>();
        for (String violation : AdviceRules.violations(new Sample(advice), libraryPrefixes)) {
            found.add(violation.replace(advice.getName(), "Advice"));
        }
        return found;
    }

    @Test
    void goodAdvicePasses() throws Exception {
        assertThat(violations(Good.class)).isEmpty();
    }

    @Test
    void everyRuleIsChecked() throws Exception {
        assertThat(violations(Bad.class))
                .containsExactlyInAnyOrder(
                        "Advice.count is a field",
                        "Advice.enter names " + HERE + "$Library",
                        "Advice.enter lets throwables through: no suppress = Throwable.class",
                        "Advice.enter names Advice",
                        "Advice.enter has an invokedynamic: a lambda, a method reference or a concatenation",
                        "Advice.enter has a class literal",
                        "Advice.exit names " + HERE + "$Other");
        assertThat(violations(Unstatic.class))
                .containsExactly("Advice.enter is not static", "Advice has neither @OnMethodEnter nor @OnMethodExit");
    }

    @Test
    void classesOfTheLibraryMayBeNamed() throws Exception {
        assertThat(violations(Bad.class, HERE + "$Library"))
                .doesNotContain("Advice.enter names " + HERE + "$Library")
                .contains("Advice.exit names " + HERE + "$Other");
    }

    @Test
    void missingAdviceIsAViolation() throws Exception {
        Hook hook = Hook.on("a.B").method("m").advice("no.such.Advice");
        assertThat(AdviceRules.violations(new Sample(hook))).containsExactly("no.such.Advice does not exist");
    }

    static final class Library {}

    static final class Other {
        static void called() {}
    }

    static final class Helper {
        static void called() {}
    }

    static final class Good {
        private Good() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static long enter(@Advice.Argument(0) String argument) {
            Helper.called();
            return argument.isEmpty() ? System.nanoTime() : 0;
        }
    }

    static final class Bad {
        static int count;

        private Bad() {}

        @Advice.OnMethodEnter
        static Object enter(@Advice.This Library library) {
            count++;
            Runnable lambda = () -> {};
            return library == null ? String.class : lambda;
        }

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit() {
            Other.called();
        }
    }

    static final class Unstatic {
        void enter() {}
    }

    private static final class Sample implements ClientInstrumentation {
        private final Hook hook;

        Sample(Class<?> advice) {
            this(Hook.on("a.B").method("m").advice(advice.getName()));
        }

        Sample(Hook hook) {
            this.hook = hook;
        }

        @Override
        public String client() {
            return "sample";
        }

        @Override
        public List<Hook> hooks() {
            return Collections.singletonList(hook);
        }

        @Override
        public List<String> helpers() {
            return Collections.singletonList(Helper.class.getName());
        }
    }
}
