package io.sluice.installer;

import static io.sluice.installer.SampleInstrumentation.hook;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opentelemetry.javaagent.OtherAgentLoader;
import io.sluice.bridge.ConnectionGate;
import io.sluice.installer.SampleAdvice.Counting;
import io.sluice.installer.SampleAdvice.Failing;
import io.sluice.installer.SampleAdvice.Helped;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Reporter;
import io.sluice.limiter.Wait;
import io.sluice.limiter.WaitListener;
import java.lang.instrument.Instrumentation;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import net.bytebuddy.agent.ByteBuddyAgent;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WeaverTest {
    private static final Instrumentation INSTRUMENTATION = ByteBuddyAgent.install();
    private static final int JAVA_8 = 52;
    private static final String API = "io.opentelemetry.context.Context";
    private static int tests;

    /** Names that no other test has used, since classes of those may still be loaded. */
    private final String suffix = "" + ++tests;

    private final String clientClass = "sample.Client" + suffix;
    private final String otherClass = "sample.Other" + suffix;

    private final CapturedLog log = new CapturedLog(Log.Level.WARN);
    private final Seen seen = new Seen();
    private final SampleClient client = new SampleClient();
    private Weaver weaver;

    @BeforeEach
    void forgetCalls() {
        Probe.CALLS.clear();
        Probe.helper = null;
    }

    @AfterEach
    void restore() {
        INSTRUMENTATION.removeTransformer(weaver);
        log.close();
    }

    private void weave(ClientInstrumentation... instrumentations) {
        weaver = new Weaver(
                INSTRUMENTATION,
                new Targets(Arrays.asList(instrumentations), Relocations.NONE, Collections.singletonList(API)),
                new AgentClasses(Weaver.class.getClassLoader()),
                seen);
        INSTRUMENTATION.addTransformer(weaver, true);
    }

    @ParameterizedTest
    @ValueSource(ints = {46, 48, 49, 50, 51, 52})
    void weavesClassFilesOfEveryAge(int version) throws Throwable {
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        client.with(version, clientClass, "call", "other");

        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
        assertThatThrownBy(() -> client.call(clientClass, "call", -1)).hasMessage(SampleClient.REFUSED);
        assertThat(client.call(clientClass, "other", 1)).isEqualTo(2);
        assertThat(Probe.CALLS).containsExactly("entered 1", "left", "entered -1", "left with " + SampleClient.REFUSED);
        assertThat(log.lines()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {46, 49, 50, 52})
    void whatAdviceThrowsIsReportedAndTheProgramGoesOn(int version) throws Throwable {
        List<Throwable> faults = reportedFaults();
        weave(new SampleInstrumentation(hook(clientClass, "call", Failing.class)));
        client.with(version, clientClass, "call");

        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);
        assertThatThrownBy(() -> client.call(clientClass, "call", -1)).hasMessage(SampleClient.REFUSED);
        assertThat(faults)
                .extracting(Throwable::getMessage)
                .containsExactly(
                        "advice fails on enter",
                        "advice fails on exit",
                        "advice fails on enter",
                        "advice fails on exit");
    }

    private static List<Throwable> reportedFaults() {
        List<Throwable> faults = new ArrayList<>();
        ConnectionGate.install(Limits.defaults(), new NobodyListens(), new Reporter() {
            @Override
            public void warn(String message) {
                throw new AssertionError(message);
            }

            @Override
            public void fault(Throwable fault) {
                faults.add(fault);
            }
        });
        return faults;
    }

    @Test
    void severalHooksOnOneClassAndOneMethodAreAllWoven() throws Throwable {
        weave(
                new SampleInstrumentation(
                        hook(clientClass, "call", Counting.class),
                        hook(clientClass, "call", Counting.class),
                        hook(clientClass, "other", Counting.class)),
                new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        client.with(JAVA_8, clientClass, "call", "other");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(302);
        assertThat(client.call(clientClass, "other", 1)).isEqualTo(102);
    }

    @Test
    void classOfUnknownShapeIsLeftAloneWithOneLine() throws Throwable {
        weave(new SampleInstrumentation(
                hook(clientClass, "call", Counting.class), hook(clientClass, "missing", Counting.class)));
        client.with(JAVA_8, clientClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sample-client: " + clientClass
                        + " has an unknown shape (no method missing); left alone");
    }

    @Test
    void hookWithAnotherDescriptorCountsAsMissing() throws Throwable {
        weave(new SampleInstrumentation(
                hook(clientClass, "call", Counting.class).descriptor("(J)")));
        client.with(JAVA_8, clientClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void optionalMethodMayBeMissing() throws Throwable {
        weave(new SampleInstrumentation(
                hook(clientClass, "call", Counting.class),
                hook(clientClass, "missing", Counting.class).optional()));
        client.with(JAVA_8, clientClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void clientIsNeverLeftHalfWoven() throws Throwable {
        weave(new SampleInstrumentation(
                hook(clientClass, "call", Counting.class), hook(otherClass, "missing", Counting.class)));
        client.with(JAVA_8, clientClass, "call").with(JAVA_8, otherClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
        client.load(otherClass);
        weaver.weaveLoaded();
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);

        SampleClient elsewhere = new SampleClient().with(JAVA_8, clientClass, "call");
        assertThat(elsewhere.call(clientClass, "call", 1)).isEqualTo(102);
    }

    @Test
    void missingAdviceLeavesTheClassAlone() throws Throwable {
        weave(new SampleInstrumentation(
                Hook.on(clientClass).method("call").advice("io.sluice.installer.NoSuchAdvice")));
        client.with(JAVA_8, clientClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);
        assertThat(log.lines())
                .singleElement()
                .asString()
                .startsWith("[sluice] WARN sample-client: " + clientClass + " could not be woven; left alone: ");
    }

    @Test
    void instrumentationThatFailsCostsItselfAlone() throws Throwable {
        weave(
                new SampleInstrumentation() {
                    @Override
                    public List<Hook> hooks() {
                        throw new IllegalStateException("no hooks today");
                    }
                },
                new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        client.with(JAVA_8, clientClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
        assertThat(log.lines()).singleElement().asString().endsWith("IllegalStateException: no hooks today");
    }

    @Test
    void helpersAreDefinedOnceInEachClientsLoader() throws Throwable {
        weave(new SampleInstrumentation(hook(clientClass, "call", Helped.class), hook(otherClass, "call", Helped.class))
                .helpers(SampleHelper.class));
        client.with(JAVA_8, clientClass, "call").with(46, otherClass, "call");
        client.call(clientClass, "call", 1);
        assertThat(Probe.helper).isNotEqualTo(SampleHelper.class);
        assertThat(Probe.helper.getClassLoader()).isSameAs(client);
        Class<?> first = Probe.helper;
        client.call(otherClass, "call", 1);
        assertThat(Probe.helper).isSameAs(first);

        SampleClient second = new SampleClient().with(JAVA_8, clientClass, "call");
        second.call(clientClass, "call", 1);
        assertThat(Probe.helper.getClassLoader()).isSameAs(second);
        assertThat(Probe.CALLS)
                .containsExactly("helped " + clientClass, "helped " + otherClass, "helped " + clientClass);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void helperThatIsThereAlreadyIsNoFault() throws Throwable {
        new Helpers(new AgentClasses(Weaver.class.getClassLoader()), INSTRUMENTATION)
                .define(client, Collections.singletonList(SampleHelper.class.getName()), null);
        weave(new SampleInstrumentation(hook(clientClass, "call", Helped.class)).helpers(SampleHelper.class));
        client.with(JAVA_8, clientClass, "call").call(clientClass, "call", 1);
        assertThat(Probe.helper.getClassLoader()).isSameAs(client);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void supportSleepsUntilAClientIsSeen() throws Throwable {
        weave(
                new SampleInstrumentation(hook(otherClass, "call", Counting.class)).asSupport(),
                new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        client.with(JAVA_8, clientClass, "call").with(JAVA_8, otherClass, "call");
        assertThat(client.call(otherClass, "call", 1)).isEqualTo(2);
        assertThat(seen.events).isEmpty();
        assertThat(weaver.isClientLoaded()).isFalse();

        client.load(clientClass);
        assertThat(seen.events).containsExactly("client seen");
        assertThat(client.call(otherClass, "call", 1)).isEqualTo(2);
        weaver.weaveLoaded();
        assertThat(client.call(otherClass, "call", 1)).isEqualTo(102);

        SampleClient later = new SampleClient().with(JAVA_8, otherClass, "call");
        assertThat(later.call(otherClass, "call", 1)).isEqualTo(102);
    }

    @Test
    void failedSupportLeavesAllClientsAlone() throws Throwable {
        weave(
                new SampleInstrumentation(hook(otherClass, "missing", Counting.class)).asSupport(),
                new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        client.with(JAVA_8, clientClass, "call").with(JAVA_8, otherClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
        client.load(otherClass);
        weaver.weaveLoaded();
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);
        assertThat(log.lines()).last().asString().endsWith("no client is limited, as all need sample-support");
    }

    @Test
    void classesLoadedBeforeTheAgentAreWovenInThePass() throws Throwable {
        client.with(JAVA_8, clientClass, "call");
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(2);
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        assertThat(weaver.isClientLoaded()).isTrue();
        weaver.weaveLoaded();
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
        seen.events.clear();
        weaver.weaveLoaded();
        assertThat(seen.events).isEmpty();
    }

    @Test
    void retransformationByOthersKeepsTheHooks() throws Throwable {
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        client.with(JAVA_8, clientClass, "call").load(clientClass);
        INSTRUMENTATION.retransformClasses(client.load(clientClass));
        assertThat(client.call(clientClass, "call", 1)).isEqualTo(102);
    }

    @Test
    void classesOfOtherAgentsAreLeftAlone() throws Throwable {
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        ClassLoader agent = new OtherAgentLoader(
                getClass().getClassLoader(),
                Collections.singletonMap(clientClass, SampleClient.bytes(JAVA_8, clientClass, "call")));
        assertThat(SampleClient.call(agent.loadClass(clientClass), "call", 1)).isEqualTo(2);
        assertThat(seen.events).isEmpty();
        assertThat(weaver.isClientLoaded()).isFalse();
        weaver.weaveLoaded();
        assertThat(SampleClient.call(agent.loadClass(clientClass), "call", 1)).isEqualTo(2);
    }

    @Test
    void programsTelemetryApiIsReportedAndNotWoven() throws Exception {
        weave();
        client.with(JAVA_8, API).load(API);
        assertThat(seen.events).containsExactly("API in " + client);
        seen.events.clear();
        assertThat(weaver.isClientLoaded()).isFalse();
        assertThat(seen.events).contains("API in " + client);
    }

    @Test
    void supertypesMayExistInMemoryOnly() {
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        byte[] changedByAnotherAgent =
                SampleClient.bytes(JAVA_8, clientClass, new String[] {"no/such/Interface"}, new String[] {"call"});
        assertThat(weaver.transform(client, clientClass.replace('.', '/'), null, null, changedByAnotherAgent))
                .isNotNull();
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void keepsNoClassLoaderAlive() throws Exception {
        weave(new SampleInstrumentation(hook(clientClass, "call", Helped.class)).helpers(SampleHelper.class));
        SampleClient forgotten = new SampleClient().with(JAVA_8, clientClass, "call");
        forgotten.load(clientClass);
        WeakReference<ClassLoader> reference = new WeakReference<>(forgotten);
        forgotten = null;
        Awaitility.await().until(() -> {
            System.gc();
            return reference.get() == null;
        });
    }

    @Test
    void everyOtherClassIsPassedOver() {
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        assertThat(weaver.transform(null, "java/lang/String", null, null, new byte[0]))
                .isNull();
        assertThat(weaver.transform(client, null, null, null, new byte[0])).isNull();
        assertThat(seen.events).isEmpty();
    }

    @Test
    void brokenClassFileIsLeftToTheJvm() {
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)));
        assertThat(weaver.transform(client, clientClass.replace('.', '/'), null, null, new byte[] {1, 2, 3}))
                .isNull();
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_17)
    void packagesAreOpenedToTheBridgeBeforeItsClientIsWoven() throws Throwable {
        Method hidden = Class.forName("sun.net.www.http.HttpClient").getDeclaredMethod("resetProperties");
        assertThatThrownBy(() -> hidden.setAccessible(true))
                .hasMessageContaining("module java.base does not \"exports sun.net.www.http\"");
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class))
                .opens("java.base/sun.net.www.http", "java.base/sun.net", "no.such.module/some.thing"));
        client.with(JAVA_8, clientClass, "call").load(clientClass);
        hidden.setAccessible(true);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_9)
    void modulesReadTheBridgeBeforeHelpersAreDefinedInThem() throws Throwable {
        Object bridge = module(ConnectionGate.class);
        Method canRead = Class.forName("java.lang.Module").getMethod("canRead", bridge.getClass());
        Object module = module(Class.forName("javax.xml.parsers.SAXParser"));
        assertThat(canRead.invoke(module, bridge)).isEqualTo(false);
        weave(new SampleInstrumentation(hook(clientClass, "call", Counting.class)).opens("java.xml/jdk.xml.internal"));
        client.with(JAVA_8, clientClass, "call").load(clientClass);
        assertThat(canRead.invoke(module, bridge)).isEqualTo(true);
    }

    private static Object module(Class<?> type) throws Exception {
        return Class.class.getMethod("getModule").invoke(type);
    }

    private static final class NobodyListens implements WaitListener {
        @Override
        public Object captureContext() {
            return null;
        }

        @Override
        public void ended(Wait wait) {
            // Nobody wants to know.
        }
    }

    private static final class Seen implements Weaver.Listener {
        final List<String> events = new ArrayList<>();

        @Override
        public void clientSeen() {
            events.add("client seen");
        }

        @Override
        public void programApiSeen(ClassLoader loader) {
            events.add("API in " + loader);
        }
    }
}
