package io.sluice.installer;

import io.sluice.bridge.Background;
import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.Exempt;
import io.sluice.bridge.Ready;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Reporter;
import io.sluice.telemetry.WaitSpans;
import java.io.File;
import java.io.IOException;
import java.lang.instrument.Instrumentation;
import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * Puts the parts of the agent together. Called once, from premain or agentmain; loads no more than it must, since most
 * of what it could do may never be needed: no thread, no Byte Buddy, no telemetry before the first client is seen.
 */
public final class Installer implements Weaver.Listener {
    private static final long TICK_SECONDS = 1;
    private static final int MOST_FAILURES = 100;

    private final SettingsWatcher watcher;
    private final @Nullable LimiterTable table;
    private final @Nullable WaitSpans spans;
    /** How often somebody asked since the last pass began; from 0 to 1 means to start one. */
    private final AtomicInteger passesAsked = new AtomicInteger();

    private volatile boolean watching;
    private volatile @Nullable Weaver weaver;

    private Installer(SettingsWatcher watcher, @Nullable LimiterTable table, @Nullable WaitSpans spans) {
        this.watcher = watcher;
        this.table = table;
        this.spans = spans;
    }

    /**
     * Installs the agent: after this, connections of clients that are loaded are limited. Returns within milliseconds, or
     * throws what the caller should report; then nothing is limited.
     *
     * @param agentArguments the text after {@code sluice-agent.jar=}, or null
     * @param agentJar the agent's jar, which knows its version; null if there is none
     * @param attached whether the program runs already
     */
    public static void install(
            @Nullable String agentArguments,
            Instrumentation instrumentation,
            @Nullable File agentJar,
            boolean attached) {
        List<String> warnings = new ArrayList<String>();
        SettingsWatcher watcher =
                new SettingsWatcher(agentArguments, System.getProperties(), System.getenv(), warnings);
        Settings settings = watcher.settings();
        Log.level(settings.log());
        for (String warning : warnings) {
            Log.warn(warning);
        }
        if (settings.limits().mode() == Limits.Mode.OFF) {
            Log.info("switched off by sluice.mode=off: nothing is woven, nothing is limited");
            new Installer(watcher, null, null).watch(); // to say that it cannot be switched on
            return;
        }
        WaitSpans spans = WaitSpans.create(new Warnings(), new Unlimited());
        LimiterTable table = ConnectionGate.install(settings.limits(), spans, new ToLog());
        Installer installer = new Installer(watcher, table, spans);
        ClassLoader own = Installer.class.getClassLoader();
        Targets targets = new Targets(instrumentations(own), settings.relocations(), WaitSpans.programApiClasses());
        Weaver weaver = new Weaver(instrumentation, targets, new AgentClasses(own), installer);
        installer.weaver = weaver;
        instrumentation.addTransformer(weaver, true);
        if (weaver.isClientLoaded()) {
            installer.clientSeen();
        }
        if (settings.log().compareTo(Log.Level.INFO) >= 0) {
            Log.info(version(agentJar) + (attached ? "attached: " : "installed: ") + settings.limits());
        }
    }

    /** One that fails to load, such as one for a newer Java, costs itself alone. */
    private static List<ClientInstrumentation> instrumentations(ClassLoader own) {
        List<ClientInstrumentation> found = new ArrayList<ClientInstrumentation>();
        Iterator<ClientInstrumentation> all =
                ServiceLoader.load(ClientInstrumentation.class, own).iterator();
        // Iterators differ in whether one that has thrown comes to an end.
        for (int failures = 0; failures < MOST_FAILURES; failures++) {
            try {
                while (all.hasNext()) {
                    found.add(all.next());
                }
                break;
            } catch (UnsupportedClassVersionError forNewerJava) {
                Log.debug("not for this version of Java: " + forNewerJava.getMessage());
            } catch (Throwable fault) {
                Log.fault("an instrumentation could not be loaded; its client is left alone", fault);
            }
        }
        return found;
    }

    private static String version(@Nullable File agentJar) {
        if (agentJar != null) {
            try {
                JarFile jar = new JarFile(agentJar);
                try {
                    Manifest manifest = jar.getManifest();
                    String version = manifest == null
                            ? null
                            : manifest.getMainAttributes().getValue("Implementation-Version");
                    return version == null ? "" : version + " ";
                } finally {
                    jar.close();
                }
            } catch (IOException unreadable) {
                Log.debug("no version: " + unreadable);
            }
        }
        return "";
    }

    @Override
    public void clientSeen() {
        if (passesAsked.getAndIncrement() == 0) {
            Background.executor().execute(new Privileged(new Passes()));
        }
    }

    @Override
    public void programApiSeen(@Nullable ClassLoader loader) {
        if (spans != null) {
            spans.programApiSeen(loader);
        }
    }

    private void watch() {
        Background.executor()
                .scheduleWithFixedDelay(new Privileged(new Tick()), TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
    }

    /**
     * Weaves what is loaded, again and again as long as somebody asks meanwhile, on one thread. The first time it also
     * takes what the program has set since the start, and in the end lets the first exchange go.
     */
    private final class Passes implements Runnable {
        @Override
        public void run() {
            int asked;
            do {
                asked = passesAsked.get();
                try {
                    if (!watching) {
                        new Tick().run();
                    }
                    // To find class files may run the program's class loaders, and those may load over HTTP.
                    Exempt.run(new Pass());
                } finally {
                    Ready.done();
                }
                if (!watching) {
                    watching = true;
                    watch();
                }
            } while (!passesAsked.compareAndSet(asked, 0));
        }
    }

    private final class Pass implements Runnable {
        @Override
        public void run() {
            Weaver now = weaver;
            if (now != null) {
                try {
                    now.weaveLoaded();
                } catch (Throwable fault) {
                    Log.fault("classes that were loaded before could not be woven", fault);
                }
            }
        }
    }

    private final class Tick implements Runnable, SettingsWatcher.Listener {
        @Override
        public void run() {
            try {
                watcher.tick(this);
            } catch (Throwable fault) {
                Log.fault("settings could not be read again", fault);
            }
        }

        @Override
        public void changed(Settings settings) {
            Log.level(settings.log());
            if (table != null) {
                table.limits(settings.limits());
            }
            Log.info("settings changed: " + settings.limits());
        }
    }

    /** Runs with the agent's rights; a background thread has inherited those of the program that made us start it. */
    private static final class Privileged implements Runnable {
        private final Runnable task;

        Privileged(Runnable task) {
            this.task = task;
        }

        @Override
        public void run() {
            AccessController.doPrivileged(new PrivilegedAction<@Nullable Void>() {
                @Override
                public @Nullable Void run() {
                    task.run();
                    return null;
                }
            });
        }
    }

    private static final class Warnings implements Consumer<String> {
        @Override
        public void accept(String warning) {
            Log.warn(warning);
        }
    }

    private static final class Unlimited implements Consumer<Runnable> {
        @Override
        public void accept(Runnable task) {
            Exempt.run(task);
        }
    }

    private static final class ToLog implements Reporter {
        @Override
        public void warn(String message) {
            Log.warn(message);
        }

        @Override
        public void fault(Throwable fault) {
            Log.fault("a fault of the agent's own; the request goes on without a limit", fault);
        }
    }
}
