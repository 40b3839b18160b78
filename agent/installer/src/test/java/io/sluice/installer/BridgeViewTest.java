package io.sluice.installer;

import static io.sluice.installer.SampleInstrumentation.hook;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.bridge.FailOpen;
import io.sluice.installer.SampleAdvice.Counting;
import io.sluice.instrumentation.api.ClientInstrumentation;
import java.lang.instrument.Instrumentation;
import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.atomic.AtomicReference;
import net.bytebuddy.agent.ByteBuddyAgent;
import net.bytebuddy.asm.Advice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients in class loaders that hide the agent's classes. */
@Timeout(60)
class BridgeViewTest {
    private static final Instrumentation INSTRUMENTATION = ByteBuddyAgent.install();
    private static final String LEFT_ALONE =
            "[sluice] WARN sample-client: left alone in classes of %s, which hides" + " io.sluice.bridge from them";
    private static int tests;

    private final String clientClass = "hidden.Client" + ++tests;
    private final String otherClass = clientClass + "Other";
    private final CapturedLog log = new CapturedLog(Log.Level.WARN);
    private Weaver weaver;

    @AfterEach
    void restore() throws Exception {
        INSTRUMENTATION.removeTransformer(weaver);
        INSTRUMENTATION.retransformClasses(Cured.class);
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

    private SampleInstrumentation client() {
        return new SampleInstrumentation(
                hook(clientClass, "call", Counting.class), hook(otherClass, "call", Counting.class));
    }

    @Test
    void clientThatDoesNotSeeTheBridgeIsLeftAloneWithOneLine() throws Throwable {
        weave(client());
        HidingLoader loader = new HidingLoader(clientClass);
        HidingLoader second = new HidingLoader(clientClass);
        assertThat(loader.call(clientClass, 1)).isEqualTo(2);
        assertThat(loader.call(otherClass, 1)).isEqualTo(2);
        assertThat(second.call(clientClass, 1)).isEqualTo(2);
        weaver.weaveLoaded();
        assertThat(loader.call(clientClass, 1)).isEqualTo(2);
        assertThat(log.lines()).containsExactly(String.format(LEFT_ALONE, HidingLoader.class.getName()));
        assertThat(loader.asked).hasSize(1);

        assertThat(new SampleClient().with(52, clientClass, "call").call(clientClass, "call", 1))
                .isEqualTo(102);
    }

    @Test
    void loaderThatFailsCountsAsOneThatHides() throws Throwable {
        weave(client());
        for (Throwable failure : new Throwable[] {new StackOverflowError(), new IllegalStateException("closed")}) {
            HidingLoader loader = new HidingLoader(clientClass) {
                @Override
                Class<?> ours(String name) {
                    throw BridgeViewTest.<RuntimeException>unchecked(failure);
                }
            };
            assertThat(loader.call(clientClass, 1)).isEqualTo(2);
        }
        assertThat(log.lines()).hasSize(1);
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T extends Throwable> T unchecked(Throwable failure) throws T {
        throw (T) failure;
    }

    @Test
    void anotherCopyOfTheBridgeDoesNotCount() throws Throwable {
        weave(client());
        HidingLoader loader = new HidingLoader(clientClass) {
            @Override
            Class<?> ours(String name) {
                Class<?> copy = findLoadedClass(name);
                return copy == null ? findClass(name) : copy;
            }
        };
        assertThat(Class.forName(FailOpen.class.getName(), false, loader)).isNotEqualTo(FailOpen.class);
        assertThat(loader.call(clientClass, 1)).isEqualTo(2);
        assertThat(log.lines()).hasSize(1);
    }

    /** Felix and Equinox let whoever is outside a bundle see more of the bootstrap loader than those within. */
    @Test
    void whatALoaderShowsToOthersDoesNotCount() throws Throwable {
        weave(client());
        HidingLoader loader = new HidingLoader(clientClass) {
            @Override
            Class<?> ours(String name) throws ClassNotFoundException {
                for (StackTraceElement frame : new Throwable().getStackTrace()) {
                    if (frame.getMethodName().startsWith("forName")) {
                        return Class.forName(name);
                    }
                    if (!frame.getMethodName().matches("ours|loadClass")) {
                        break;
                    }
                }
                return super.ours(name);
            }
        };
        assertThat(loader.call(clientClass, 1)).isEqualTo(2);
        assertThat(Class.forName(FailOpen.class.getName(), false, loader)).isEqualTo(FailOpen.class);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void eachLoaderIsAskedOnce() throws Throwable {
        weave(client());
        HidingLoader loader = new HidingLoader(clientClass) {
            @Override
            Class<?> ours(String name) throws ClassNotFoundException {
                return Class.forName(name);
            }
        };
        assertThat(loader.call(clientClass, 1)).isEqualTo(102);
        assertThat(loader.call(otherClass, 1)).isEqualTo(102);
        assertThat(loader.asked).doesNotHaveDuplicates().isNotEmpty();
        assertThat(log.lines()).isEmpty();
    }

    /** Holds the monitor of a loader that is not parallel capable, as a thread has it that is loading a class. */
    @Test
    void askingALoaderInAnotherThreadsHandsWaitsForThatThreadOnly() throws Throwable {
        weave(client());
        HidingLoader loader = new HidingLoader(clientClass);
        AtomicReference<Object> result = new AtomicReference<>();
        Thread other = new Thread(() -> {
            try {
                result.set(loader.call(clientClass, 1));
            } catch (Throwable problem) {
                result.set(problem);
            }
        });
        synchronized (loader) {
            other.start();
            assertThat(loader.call(otherClass, 1)).isEqualTo(2);
        }
        other.join();
        assertThat(result.get()).isEqualTo(2);
    }

    @Test
    void loadersThatAreLoadedAlreadyAreCuredBeforeTheirClassesAreWoven() throws Throwable {
        Cured loader = new Cured(clientClass);
        assertThat(loader.call(clientClass, 1)).isEqualTo(2);
        weave(client(), new SampleInstrumentation(hook(Cured.class.getName(), "ours", ShowAdvice.class)));
        weaver.weaveLoaded();
        assertThat(loader.call(clientClass, 1)).isEqualTo(102);
        assertThat(log.lines()).isEmpty();
    }

    /** A loader that {@link ShowAdvice} makes show what it hides. */
    static class Cured extends HidingLoader {
        Cured(String className) {
            super(className);
        }

        @Override
        Class<?> ours(String name) throws ClassNotFoundException {
            throw new ClassNotFoundException(name);
        }
    }

    static final class ShowAdvice {
        private ShowAdvice() {}

        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class)
        static Class<?> enter(@Advice.Argument(0) String name) throws ClassNotFoundException {
            return Class.forName(name);
        }

        @Advice.OnMethodExit
        static void exit(@Advice.Enter Class<?> found, @Advice.Return(readOnly = false) Class<?> returned) {
            returned = found;
        }
    }

    private static final class NobodyListens implements Weaver.Listener {
        @Override
        public void clientSeen() {
            // The tests call weaveLoaded themselves.
        }

        @Override
        public void programApiSeen(@Nullable ClassLoader loader) {
            throw new AssertionError("no API is known");
        }
    }
}
