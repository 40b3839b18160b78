package io.sluice.installer;

import static io.sluice.installer.SampleInstrumentation.hook;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.installer.SampleAdvice.Counting;
import io.sluice.instrumentation.api.ClientInstrumentation;
import java.lang.instrument.Instrumentation;
import java.util.Arrays;
import java.util.Collections;
import net.bytebuddy.agent.ByteBuddyAgent;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client of which one class is not as the hooks expect is left alone as a whole, from the first class on. */
@Timeout(60)
class ShapeCheckTest {
    private static final Instrumentation INSTRUMENTATION = ByteBuddyAgent.install();
    private static final int JAVA_8 = 52;
    private static int tests;

    /** Of this test alone, since classes of others may still be loaded. */
    private final String inPackage = "shape" + ++tests + ".";

    private final String first = inPackage + "First";
    private final String second = inPackage + "Second";
    private final CapturedLog log = new CapturedLog(Log.Level.WARN);
    private final LibraryLoader loader = new LibraryLoader();
    private Weaver weaver;

    @BeforeEach
    void forgetCalls() {
        Probe.CALLS.clear();
    }

    @AfterEach
    void restore() {
        INSTRUMENTATION.removeTransformer(weaver);
        log.close();
    }

    private void weave(ClientInstrumentation... instrumentations) {
        weaver = new Weaver(
                INSTRUMENTATION,
                new Targets(Arrays.asList(instrumentations), Relocations.NONE, Collections.<String>emptyList()),
                new AgentClasses(Weaver.class.getClassLoader()),
                new NobodyListens());
        INSTRUMENTATION.addTransformer(weaver, true);
    }

    private LibraryLoader with(String className, String... methods) {
        return loader.put(className, SampleClient.bytes(JAVA_8, className, methods));
    }

    private int call(String className) throws Throwable {
        return SampleClient.call(Class.forName(className, true, loader), "call", 1);
    }

    @Test
    void mismatchInAClassThatComesLaterKeepsTheFirstFromBeingWoven() throws Throwable {
        weave(new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "missing", Counting.class)));
        with(first, "call");
        with(second, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(call(second)).isEqualTo(2);
        weaver.weaveLoaded();
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sample-client: " + second
                        + " has an unknown shape (no method missing); left alone");
    }

    @Test
    void otherDescriptorOfAClassThatComesLaterCounts() throws Throwable {
        weave(new SampleInstrumentation(
                hook(first, "call", Counting.class),
                hook(second, "call", Counting.class).descriptor("(J")));
        with(first, "call");
        with(second, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sample-client: " + second
                        + " has an unknown shape (no method call); left alone");
    }

    @Test
    void otherArgumentTypesThanTheAdviceHasCount() throws Throwable {
        weave(new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "call", ForText.class)));
        with(first, "call");
        with(second, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(call(second)).isEqualTo(2);
        assertThat(log.lines())
                .singleElement()
                .asString()
                .startsWith("[sluice] WARN sample-client: " + second + " could not be woven; left alone: ");
    }

    @Test
    void fieldThatAdviceReadsMustBeThere() throws Throwable {
        weave(new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "call", ForField.class)));
        with(first, "call");
        with(second, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void requiredClassMustBeThereAndOthersNeedNot() throws Throwable {
        weave(new SampleInstrumentation(
                hook(first, "call", Counting.class),
                hook(second, "call", Counting.class).requireType(),
                hook(inPackage + "Third", "call", Counting.class)));
        with(first, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines())
                .containsExactly(
                        "[sluice] WARN sample-client: " + second + " has an unknown shape (no such class); left alone");
    }

    @Test
    void hookedClassMustHaveItsHookedNestedOnes() throws Throwable {
        weave(new SampleInstrumentation(
                hook(first, "call", Counting.class),
                hook(first + "$1", "call", Counting.class),
                hook(second + "$1", "call", Counting.class)));
        with(first, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sample-client: " + first
                        + "$1 has an unknown shape (no such class); left alone");
    }

    @Test
    void othersMayBeMissingAndRequiredOnesOfOtherPackagesMayBeInOtherLoaders() throws Throwable {
        weave(new SampleInstrumentation(
                hook(first, "call", Counting.class),
                hook(second, "call", Counting.class),
                hook("other." + second, "call", Counting.class).requireType()));
        with(first, "call");
        assertThat(call(first)).isEqualTo(102);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void whatIsMissingIsUnknownWhereTheLoaderShowsNoClassFiles() throws Throwable {
        weave(new SampleInstrumentation(
                hook(first, "call", Counting.class),
                hook(second, "call", Counting.class).requireType()));
        with(first, "call").hidingClassFiles();
        assertThat(call(first)).isEqualTo(102);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void mismatchThatComesOutLaterIsUndone() throws Throwable {
        weave(new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "missing", Counting.class)));
        with(first, "call");
        with(second, "call").hidingClassFiles();
        assertThat(call(first)).isEqualTo(102);
        assertThat(call(second)).isEqualTo(2);
        weaver.weaveLoaded();
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void classThatNeedsALibraryThatTheProgramLacksIsCheckedWhenItIsLoaded() throws Throwable {
        weave(new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "make", ForResult.class)));
        with(first, "call");
        ClassWriter type = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        type.visit(JAVA_8, Opcodes.ACC_PUBLIC, second.replace('.', '/'), null, "java/lang/Object", null);
        MethodVisitor make = type.visitMethod(Opcodes.ACC_PUBLIC, "make", "()Lno/such/Thing;", null, null);
        make.visitInsn(Opcodes.ACONST_NULL);
        make.visitInsn(Opcodes.ARETURN);
        make.visitMaxs(0, 0);
        type.visitEnd();
        loader.put(second, type.toByteArray());
        assertThat(call(first)).isEqualTo(102);
        assertThat(log.lines()).isEmpty();
        Class.forName(second, true, loader);
        weaver.weaveLoaded();
        assertThat(call(first)).isEqualTo(2);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void otherLoadersAndOtherClientsAreNotConcerned() throws Throwable {
        String another = inPackage + "Another";
        weave(
                new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "more", Counting.class)),
                new SampleInstrumentation(hook(another, "call", Counting.class)));
        with(first, "call");
        with(second, "call");
        with(another, "call");
        assertThat(call(first)).isEqualTo(2);
        assertThat(call(another)).isEqualTo(102);
        LibraryLoader elsewhere = new LibraryLoader()
                .put(first, SampleClient.bytes(JAVA_8, first, "call"))
                .put(second, SampleClient.bytes(JAVA_8, second, "more"));
        assertThat(SampleClient.call(Class.forName(first, true, elsewhere), "call", 1))
                .isEqualTo(102);
        assertThat(SampleClient.call(Class.forName(second, true, elsewhere), "more", 1))
                .isEqualTo(102);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void classThatAnotherAgentHasChangedMeanwhileIsWovenAsItIs() throws Throwable {
        weave(new SampleInstrumentation(hook(first, "call", Counting.class), hook(second, "call", Counting.class)));
        with(first, "call");
        with(second, "call");
        assertThat(call(first)).isEqualTo(102);
        with(second, "call", "added");
        assertThat(call(second)).isEqualTo(102);
        assertThat(SampleClient.call(Class.forName(second, true, loader), "added", 1))
                .isEqualTo(2);
        assertThat(log.lines()).isEmpty();
    }

    /** Expects a text. */
    static final class ForText {
        private ForText() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.Argument(0) String text) {
            Probe.call(text);
        }
    }

    /** Expects a number as the result. */
    static final class ForResult {
        private ForResult() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.Return Number result) {
            Probe.call(String.valueOf(result));
        }
    }

    /** Expects a field. */
    static final class ForField {
        private ForField() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.FieldValue("pool") Object pool) {
            Probe.call(String.valueOf(pool));
        }
    }

    private static final class NobodyListens implements Weaver.Listener {
        @Override
        public void clientSeen() {
            // Tests make the pass themselves.
        }

        @Override
        public void programApiSeen(ClassLoader newLoader) {
            // None here.
        }
    }
}
