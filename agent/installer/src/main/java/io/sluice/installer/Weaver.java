package io.sluice.installer;

import io.sluice.bridge.FailOpen;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.AccessController;
import java.security.PrivilegedAction;
import java.security.ProtectionDomain;
import org.jspecify.annotations.Nullable;

/**
 * Weaves the hooks into clients' classes when the program loads them, and does nothing before.
 *
 * <p><b>A miss</b> is a look in a map: every class of the program comes by, nearly none is a client's. <b>A hit</b> loads
 * Byte Buddy, opens packages, defines helpers and weaves. <b>The first hit of a client</b> also wakes the support hooks,
 * those on the JDK's sockets; their classes are mostly loaded by then, and {@link #weaveLoaded} has them transformed
 * again in the background, as no class can be from within a transformation. The same goes for classes that were loaded
 * before the agent, or by a thread that was busy weaving: the JVM offers those to no transformer.
 *
 * <p>Thread-safe; holds no lock while it weaves. Never throws, and never leaves a client half woven: all its classes are
 * tried before the first is woven ({@link ShapeCheck}), and when one is not as we know it, the client is left alone in that
 * class loader, with one line. Should that come out later after all, what was woven is undone in the background.
 */
final class Weaver implements ClassFileTransformer {
    /** Is told what the weaver sees. Called while a class is being loaded: must neither block nor throw. */
    interface Listener {
        /**
         * A class of a client is being loaded: {@link Weaver#weaveLoaded} should run soon, on another thread, for the
         * support hooks when it is the first one, and for what was loaded on the way, which nobody was offered.
         */
        void clientSeen();

        /** This loader defines a class of the program's OpenTelemetry API. */
        void programApiSeen(@Nullable ClassLoader loader);
    }

    /** Class loaders of other agents, whose own traffic is none of ours. */
    private static final String[] AGENTS = {
        "io.opentelemetry.javaagent", "datadog.trace.bootstrap", "co.elastic.apm.agent"
    };

    private final Instrumentation instrumentation;
    private final AgentClasses agentClasses;
    private final Helpers helpers;
    private final Listener listener;
    private final Targets targets;
    private final UnnamedCopies unnamedCopies;

    private final LoaderState.Table loaders = new LoaderState.Table();
    /** Set while this thread weaves: JVMs differ in whether they offer the classes that it loads meanwhile. */
    private final ThreadLocal<@Nullable Boolean> busy = new ThreadLocal<@Nullable Boolean>();

    private volatile boolean clientSeen;
    private volatile boolean supportFailed;
    private volatile @Nullable ClassWeaver classWeaver;

    Weaver(Instrumentation instrumentation, Targets targets, AgentClasses agentClasses, Listener listener) {
        this.instrumentation = instrumentation;
        this.targets = targets;
        this.agentClasses = agentClasses;
        this.helpers = new Helpers(agentClasses, instrumentation);
        this.listener = listener;
        unnamedCopies = new UnnamedCopies(targets, agentClasses);
    }

    @Override
    public byte @Nullable [] transform(
            @Nullable ClassLoader loader,
            @Nullable String className,
            @Nullable Class<?> redefined,
            @Nullable ProtectionDomain domain,
            byte[] classFile) {
        Target target = targets.byInternalName(className);
        if (target == null) {
            lookForCopy(className, loader);
            return null;
        }
        if (isOfAgent(loader)) {
            return null;
        }
        // With the agent's rights: under a security manager the program that loads the class may have hardly any.
        return AccessController.doPrivileged(new PrivilegedAction<byte @Nullable []>() {
            @Override
            public byte @Nullable [] run() {
                return hit(target, loader, classFile);
            }
        });
    }

    /** Warns of a relocated copy that nobody told us of. */
    private void lookForCopy(@Nullable String className, @Nullable ClassLoader loader) {
        if (className == null || loader == null) {
            return;
        }
        UnnamedCopies.Known known = unnamedCopies.find(className);
        if (known == null || isOfAgent(loader) || busy.get() != null) {
            return;
        }
        busy.set(Boolean.TRUE);
        try {
            AccessController.doPrivileged(new PrivilegedAction<@Nullable Void>() {
                @Override
                public @Nullable Void run() {
                    unnamedCopies.report(known, className, loader);
                    return null;
                }
            });
        } catch (Throwable fault) {
            Log.fault(className + " could not be looked at", fault);
        } finally {
            busy.remove();
        }
    }

    private byte @Nullable [] hit(Target target, @Nullable ClassLoader loader, byte[] classFile) {
        if (busy.get() != null) {
            return null; // weaveLoaded comes by
        }
        busy.set(Boolean.TRUE);
        try {
            if (target == Targets.PROGRAM_API) {
                listener.programApiSeen(loader);
                return null;
            }
            clientSeen |= target.isOfClient();
            byte[] woven = weave(target, loader, classFile);
            if (clientSeen) {
                listener.clientSeen();
            }
            return woven;
        } catch (Throwable fault) {
            Log.fault(target.className + " could not be woven, and is left alone", fault);
            return null;
        } finally {
            busy.remove();
        }
    }

    private byte @Nullable [] weave(Target target, @Nullable ClassLoader loader, byte[] classFile) {
        LoaderState state = loaders.of(loader);
        byte[] woven = null;
        for (Target.Part part : target.parts) {
            Client client = part.client;
            String key = LoaderState.key(client, target.className);
            if (client.support && !clientSeen || isLeftAlone(client, state)) {
                state.woven.remove(key);
                continue;
            }
            if (loader != null && !BridgeView.isIn(loader, state, helpers)) {
                Log.warn(client.name + ": left alone in classes of "
                        + loader.getClass().getName() + ", which hides io.sluice.bridge from them");
                leaveAlone(client, state);
                continue;
            }
            try {
                byte[] before = woven == null ? classFile : woven;
                if (!client.support && !state.checked.contains(client)) {
                    ShapeCheck.check(client, target.className, before, loader, state, classWeaver());
                    state.checked.add(client);
                }
                prepare(client, loader, state);
                byte[] tried = ShapeCheck.take(key, before, state);
                woven = tried == null
                        ? classWeaver().weave(target.className, loader, before, part.hooks, client)
                        : tried;
                state.woven.add(key);
                Log.debug(client.name + ": wove " + target.className);
            } catch (ClassWeaver.UnknownShapeException unknown) {
                Throwable cause = unknown.getCause();
                String message = client.name + ": " + unknown.getMessage() + "; left alone";
                if (cause == null) {
                    Log.warn(message);
                } else {
                    Log.fault(message, cause);
                }
                leaveAlone(client, state);
            } catch (Throwable fault) {
                Log.fault(client.name + ": " + target.className + " could not be woven; left alone", fault);
                leaveAlone(client, state);
            }
        }
        if (clientSeen) {
            state.handled.add(target.className);
        }
        return woven;
    }

    private boolean isLeftAlone(Client client, LoaderState state) {
        return supportFailed || state.leftAlone.contains(client);
    }

    private void leaveAlone(Client client, LoaderState state) {
        state.leftAlone.add(client);
        state.trials.clear();
        if (client.support) {
            // Connections whose end nobody notices would be counted for ever.
            supportFailed = true;
            Log.warn("no client is limited, as all need " + client.name);
        }
    }

    private void prepare(Client client, @Nullable ClassLoader loader, LoaderState state) throws Exception {
        if (!client.opened) {
            Modules.open(instrumentation, client.opens, FailOpen.class);
            client.opened = true;
        }
        if (loader != null && !client.helpers.isEmpty() && !state.prepared.contains(client)) {
            helpers.define(loader, client.helpers, client.relocation);
            state.prepared.add(client);
        }
    }

    private ClassWeaver classWeaver() {
        ClassWeaver now = classWeaver;
        if (now == null) {
            now = new ClassWeaver(agentClasses);
            classWeaver = now;
        }
        return now;
    }

    /**
     * Whether classes that are loaded already concern us: those of a client, or the program's OpenTelemetry API, of which
     * the listener is told. Called once, right after this transformer was registered.
     */
    boolean isClientLoaded() {
        boolean found = false;
        for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
            Target target = targets.byName(loaded.getName());
            if (target == null) {
                lookForCopy(loaded.getName(), loaded.getClassLoader());
            }
            if (target == null || isOfAgent(loaded.getClassLoader())) {
                continue;
            }
            if (target == Targets.PROGRAM_API) {
                listener.programApiSeen(loaded.getClassLoader());
            }
            found |= target.isOfClient();
        }
        return found;
    }

    /**
     * Has those hooked classes transformed that are loaded but were not offered to us, and those of clients that are to be
     * left alone after all. Blocks for as long as it takes; never called from within a transformation.
     */
    void weaveLoaded() {
        clientSeen = true;
        Class<?>[] all = instrumentation.getAllLoadedClasses();
        for (Class<?> loaded : all) {
            // First: the classes in such a loader are woven only if it shows them the bridge.
            if (ClassLoader.class.isAssignableFrom(loaded)) {
                weaveLoaded(loaded);
            }
        }
        for (Class<?> loaded : all) {
            weaveLoaded(loaded);
        }
    }

    private void weaveLoaded(Class<?> loaded) {
        Target target = targets.byName(loaded.getName());
        if (target == null || target == Targets.PROGRAM_API || isOfAgent(loaded.getClassLoader())) {
            return;
        }
        LoaderState state = loaders.of(loaded.getClassLoader());
        if (!state.handled.contains(target.className) || isToUndo(target, state)) {
            try {
                instrumentation.retransformClasses(loaded);
            } catch (Throwable fault) {
                state.handled.add(target.className);
                Log.fault(target.className + " could not be woven, and is left alone", fault);
            }
        }
    }

    private boolean isToUndo(Target target, LoaderState state) {
        for (Target.Part part : target.parts) {
            if (isLeftAlone(part.client, state)
                    && state.woven.contains(LoaderState.key(part.client, target.className))) {
                return true;
            }
        }
        return false;
    }

    private boolean isOfAgent(@Nullable ClassLoader loader) {
        if (loader == null) {
            return false;
        }
        // In tests the agent's classes and the clients share the application's loader.
        if (loader == agentClasses.loader()) {
            return loader != ClassLoader.getSystemClassLoader();
        }
        String name = loader.getClass().getName();
        for (String agent : AGENTS) {
            if (name.startsWith(agent)) {
                return true;
            }
        }
        return false;
    }
}
