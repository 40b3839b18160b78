package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.api.Hook;
import java.lang.instrument.Instrumentation;
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
        loader.withCopy("com.acme.lib", "samplelib").take("com.acme.lib.client.Manager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of com.acme.lib.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "com.acme.lib.client.SluiceInside saw com.acme.lib.client.Manager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void originalAndTwoCopiesLiveInOneClassLoader() throws Exception {
        weave("com.acme.lib:samplelib,org.other:samplelib", LibraryAdvice.instrumentation());
        loader.withOriginal().withCopy("com.acme.lib", "samplelib").withCopy("org.other", "samplelib");
        loader.take("org.other.client.Manager");
        loader.take("samplelib.client.Manager");
        loader.take("com.acme.lib.client.Manager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of org.other.core.Wire by io.sluice.installer.copy2.LibraryHooks$Looked",
                        "org.other.client.SluiceInside saw org.other.client.Manager",
                        "samplelib w of samplelib.core.Wire by io.sluice.installer.LibraryHooks$Looked",
                        "samplelib.client.SluiceInside saw samplelib.client.Manager",
                        "samplelib w of com.acme.lib.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "com.acme.lib.client.SluiceInside saw com.acme.lib.client.Manager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void clientAndCoreMayBeRelocatedDifferently() throws Exception {
        weave("a.core:samplelib.core,a.c:samplelib.client,b.c:samplelib.client", LibraryAdvice.instrumentation());
        loader.withCopy("a.c", "samplelib.client", "a.core", "samplelib.core").take("a.c.Manager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of a.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "a.c.SluiceInside saw a.c.Manager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void copyMayUseAnotherLibraryThatIsNotRelocated() throws Exception {
        weave("a.client:samplelib.client", LibraryAdvice.instrumentation());
        loader.withOriginal().withCopy("a.client", "samplelib.client").take("a.client.Manager");
        assertThat(Probe.CALLS)
                .containsExactly(
                        "samplelib w of samplelib.core.Wire by io.sluice.installer.copy1.LibraryHooks$Looked",
                        "a.client.SluiceInside saw a.client.Manager");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void copyLoadedBeforeTheAgentIsWovenInThePass() throws Exception {
        loader.withCopy("com.acme.lib", "samplelib").take("com.acme.lib.client.Manager");
        weave("com.acme.lib:samplelib", LibraryAdvice.instrumentation());
        assertThat(weaver.isClientLoaded()).isTrue();
        weaver.weaveLoaded();
        loader.take("com.acme.lib.client.Manager");
        assertThat(Probe.CALLS).hasSize(2);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void copyOfUnknownShapeIsLeftAloneWithOneLineThatNamesTheClient() throws Throwable {
        weave("com.acme.lib:samplelib", LibraryAdvice.instrumentation());
        String manager = "com.acme.lib.client.Manager";
        loader.withOriginal().put(manager, SampleClient.bytes(52, manager, "take"));
        assertThat(SampleClient.call(Class.forName(manager, true, loader), "take", 1))
                .isEqualTo(2);
        loader.take("samplelib.client.Manager");
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
                        + " [no.such.library]");
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
