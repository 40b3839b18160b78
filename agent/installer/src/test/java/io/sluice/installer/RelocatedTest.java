package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sluice.instrumentation.api.Hook;
import java.lang.instrument.Instrumentation;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Collections;
import net.bytebuddy.agent.ByteBuddyAgent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The weaver and copies of a client under other package names. */
@Timeout(60)
class RelocatedTest {
    private static final Instrumentation INSTRUMENTATION = ByteBuddyAgent.install();

    private final CapturedLog log = new CapturedLog(Log.Level.WARN);
    private final LibraryLoader loader = new LibraryLoader();
    private Weaver weaver;

    @BeforeEach
    void forgetCalls() {
        Probe.CALLS.clear();
    }

    @AfterEach
    void restore() {
        if (weaver != null) {
            INSTRUMENTATION.removeTransformer(weaver);
        }
        log.close();
    }

    private void weave(String relocated, io.sluice.instrumentation.api.ClientInstrumentation... instrumentations) {
        Targets targets = new Targets(
                Arrays.asList(instrumentations), Relocations.parse(relocated), Collections.<String>emptyList());
        weaver = new Weaver(
                INSTRUMENTATION, targets, new AgentClasses(Weaver.class.getClassLoader()), new NobodyListens());
        INSTRUMENTATION.addTransformer(weaver, true);
    }

    @Test
    void relocatedCopyIsWoven() throws Exception {
        weave("com.acme.lib:samplelib", LibraryAdvice.instrumentation());
        loader.withCopy("com.acme.lib", "samplelib").take("com.acme.lib.client.impl.SamplePoolManager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of com.acme.lib.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "com.acme.lib.client.impl.SluiceInside saw com.acme.lib.client.impl.SamplePoolManager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void originalAndTwoCopiesLiveInOneClassLoader() throws Exception {
        weave("com.acme.lib:samplelib,org.other:samplelib", LibraryAdvice.instrumentation());
        loader.withOriginal().withCopy("com.acme.lib", "samplelib").withCopy("org.other", "samplelib");
        loader.take("org.other.client.impl.SamplePoolManager");
        loader.take("samplelib.client.impl.SamplePoolManager");
        loader.take("com.acme.lib.client.impl.SamplePoolManager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of org.other.core.Wire by io.sluice.installer.copy2.LibraryHooks$Looked",
                        "org.other.client.impl.SluiceInside saw org.other.client.impl.SamplePoolManager",
                        "samplelib w of samplelib.core.Wire by io.sluice.installer.LibraryHooks$Looked",
                        "samplelib.client.impl.SluiceInside saw samplelib.client.impl.SamplePoolManager",
                        "samplelib w of com.acme.lib.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "com.acme.lib.client.impl.SluiceInside saw com.acme.lib.client.impl.SamplePoolManager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void clientAndCoreMayBeRelocatedDifferently() throws Exception {
        weave("a.core:samplelib.core,a.c:samplelib.client,b.c:samplelib.client", LibraryAdvice.instrumentation());
        loader.withCopy("a.c", "samplelib.client", "a.core", "samplelib.core").take("a.c.impl.SamplePoolManager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of a.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "a.c.impl.SluiceInside saw a.c.impl.SamplePoolManager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void copyMayUseAnotherLibraryThatIsNotRelocated() throws Exception {
        weave("a.client:samplelib.client", LibraryAdvice.instrumentation());
        loader.withOriginal().withCopy("a.client", "samplelib.client").take("a.client.impl.SamplePoolManager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of samplelib.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "a.client.impl.SluiceInside saw a.client.impl.SamplePoolManager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void copyLoadedBeforeTheAgentIsWovenInThePass() throws Exception {
        loader.withCopy("com.acme.lib", "samplelib").take("com.acme.lib.client.impl.SamplePoolManager");
        weave("com.acme.lib:samplelib", LibraryAdvice.instrumentation());
        assertThat(weaver.isClientLoaded()).isTrue();
        weaver.weaveLoaded();
        loader.take("com.acme.lib.client.impl.SamplePoolManager");
        assertThat(Probe.CALLS).hasSize(2);
        // Copies that other tests have loaded may be told of.
        assertThat(log.lines()).noneMatch(line -> line.contains("com.acme.lib.client"));
    }

    @Test
    void copyOfUnknownShapeIsLeftAloneWithOneLineThatNamesTheClient() throws Throwable {
        weave("com.acme.lib:samplelib", LibraryAdvice.instrumentation());
        String manager = "com.acme.lib.client.impl.SamplePoolManager";
        loader.withOriginal().put(manager, SampleClient.bytes(52, manager, "take"));
        assertThat(SampleClient.call(Class.forName(manager, true, loader), "take", 1))
                .isEqualTo(2);
        loader.take("samplelib.client.impl.SamplePoolManager");
        assertThat(Probe.CALLS).hasSize(2);
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sample-client: " + manager
                        + " has an unknown shape (no method take); left alone");
    }

    @Test
    void settingThatFitsNoClientIsNamed() {
        weave("com.acme.x:no.such.library", LibraryAdvice.instrumentation());
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sluice.relocated names no package of a client that is limited:"
                        + " [com.acme.x:no.such.library]");
    }

    @Test
    void hooksOfAnyDescriptorAreRelocated() throws Throwable {
        weave(
                "com.acme.lib:samplelib",
                new SampleInstrumentation(
                        Hook.on("samplelib.A").method("call").advice(SampleAdvice.Counting.class.getName())));
        loader.put("com.acme.lib.A", SampleClient.bytes(52, "com.acme.lib.A", "call"));
        assertThat(SampleClient.call(Class.forName("com.acme.lib.A", true, loader), "call", 1))
                .isEqualTo(102);
    }

    private static String warning(String className, String setting) {
        return "[sluice] WARN sample-client: not limited in a relocated copy (" + className
                + "); to have it limited, set sluice.relocated=" + setting;
    }

    @Test
    void copyThatNobodyNamedIsToldOnceWithTheSetting() throws Exception {
        weave("", LibraryAdvice.instrumentation());
        String manager = "com.acme.samplelib.client.impl.SamplePoolManager";
        loader.withOriginal().withCopy("com.acme.samplelib", "samplelib").take(manager);
        new LibraryLoader().withCopy("com.acme.samplelib", "samplelib").take(manager);
        assertThat(Probe.CALLS).isEmpty();
        assertThat(log.lines()).containsExactly(warning(manager, "com.acme.samplelib:samplelib"));
    }

    @Test
    void copyInAnEvenMoreChangedPackageIsSeenByADistinctiveName() throws Exception {
        weave("", LibraryAdvice.instrumentation());
        loader.withCopy("com.acme", "samplelib").take("com.acme.client.impl.SamplePoolManager");
        assertThat(log.lines())
                .containsExactly(warning("com.acme.client.impl.SamplePoolManager", "com.acme:samplelib"));
    }

    @Test
    void theSettingKeepsWhatIsSetAndWhatWasToldBefore() throws Exception {
        weave("x.a:samplelib", LibraryAdvice.instrumentation());
        loader.withCopy("b.samplelib", "samplelib").take("b.samplelib.client.impl.SamplePoolManager");
        loader.withCopy("c.samplelib", "samplelib").take("c.samplelib.client.impl.SamplePoolManager");
        assertThat(log.lines())
                .containsExactly(
                        warning("b.samplelib.client.impl.SamplePoolManager", "x.a:samplelib,b.samplelib:samplelib"),
                        warning(
                                "c.samplelib.client.impl.SamplePoolManager",
                                "x.a:samplelib,b.samplelib:samplelib,c.samplelib:samplelib"));
    }

    @Test
    void onlyPackagesThatAreRelocatedAreInTheSetting() throws Exception {
        weave("", LibraryAdvice.instrumentation());
        loader.withOriginal().withCopy("b.samplelib.client", "samplelib.client");
        loader.take("b.samplelib.client.impl.SamplePoolManager");
        assertThat(log.lines())
                .containsExactly(
                        warning("b.samplelib.client.impl.SamplePoolManager", "b.samplelib.client:samplelib.client"));
    }

    @Test
    void theSettingThatIsToldWorks() throws Exception {
        weave("", LibraryAdvice.instrumentation());
        loader.withCopy("com.acme.s.client", "samplelib.client", "com.acme.s.core", "samplelib.core");
        loader.take("com.acme.s.client.impl.SamplePoolManager");
        String told = log.lines().get(0);
        restore();
        weave(told.substring(told.indexOf("sluice.relocated=") + 17), LibraryAdvice.instrumentation());
        new LibraryLoader()
                .withCopy("com.acme.s.client", "samplelib.client", "com.acme.s.core", "samplelib.core")
                .take("com.acme.s.client.impl.SamplePoolManager");
        assertThat(Probe.CALLS).hasSize(2);
    }

    @Test
    void copyLoadedBeforeTheAgentIsTold() throws Exception {
        String manager = "com.early.samplelib.client.impl.SamplePoolManager";
        loader.withCopy("com.early.samplelib", "samplelib").take(manager);
        weave("", LibraryAdvice.instrumentation());
        weaver.isClientLoaded();
        weaver.isClientLoaded();
        assertThat(log.lines()).contains(warning(manager, "com.early.samplelib:samplelib"));
    }

    @Test
    void whatOnlySoundsAlikeIsNotToldAsACopy() throws Throwable {
        weave(
                "",
                LibraryAdvice.instrumentation(),
                new SampleInstrumentation(Hook.on("javax.sample.impl.DistinctiveSocket")
                        .method("call")
                        .advice("x.Y")),
                new SampleInstrumentation(Hook.on("sup.port.impl.DistinctiveLoader")
                                .method("call")
                                .advice("x.Y"))
                        .asSupport());
        for (String name : new String[] {
            "com.acme.javax.sample.impl.DistinctiveSocket",
            "com.acme.sup.port.impl.DistinctiveLoader",
            "com.acme.impl.SamplePoolManager", // two words are the same
            "com.acme.notsamplelib.client.impl.SamplePoolManager$1",
            "com.newrelic.samplelib.client.impl.SamplePoolManager",
            "SamplePoolManager",
        }) {
            loader.put(name, SampleClient.bytes(52, name, "call"));
            SampleClient.call(Class.forName(name, true, loader), "call", 1);
        }
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void loaderWithoutClassFilesHasNothingToTell() throws Exception {
        weave("", LibraryAdvice.instrumentation());
        loader.withCopy("com.acme.samplelib", "samplelib").hidingClassFiles();
        loader.take("com.acme.samplelib.client.impl.SamplePoolManager");
        assertThat(log.lines()).isEmpty();
    }

    /** Every class that a program loads is looked at. */
    @Test
    void passingOverAClassMakesNoObject() {
        Targets targets = new Targets(
                Collections.singletonList(LibraryAdvice.instrumentation()),
                Relocations.NONE,
                Collections.<String>emptyList());
        UnnamedCopies copies = new UnnamedCopies(targets, new AgentClasses(Weaver.class.getClassLoader()));
        String[] names = new String[10_000];
        for (int i = 0; i < names.length; i++) {
            names[i] = "com/example/app" + i % 7 + "/impl/SamplePoolManager" + (i == 5_000 ? "" : i);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = threads.getThreadAllocatedBytes(thread);
            for (String name : names) {
                assertThatNothingIsFound(copies, name);
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
        }
        assertThat(least).isLessThan(names.length);
    }

    private static void assertThatNothingIsFound(UnnamedCopies copies, String name) {
        if (copies.find(name) != null) {
            throw new AssertionError(name);
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
