package io.sluice.installer;

import io.sluice.installer.ClassWeaver.UnknownShapeException;
import io.sluice.instrumentation.api.Hook;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.SoftReference;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Weaves all hooked classes of a client for a trial, before the first one is woven in earnest: a client is limited as a
 * whole or not at all. Were a mismatch found only when half of the classes are in use, leases would be taken that nobody
 * gives back.
 *
 * <p>Looks at the class files that the first class's loader shows. A class whose file it does not show is checked when it
 * is loaded, as is one that another agent has changed. What is woven is kept until the class is loaded, or memory is
 * short, so that nothing is woven twice. Thread-safe.
 */
final class ShapeCheck {
    private ShapeCheck() {}

    /** What came of a class file. */
    static final class Trial {
        private final byte[] classFile;
        private final byte[] woven;

        Trial(byte[] classFile, byte[] woven) {
            this.classFile = classFile;
            this.woven = woven;
        }
    }

    /**
     * Does so.
     *
     * @param first the class that is being loaded, with its class file
     * @param loader its loader; null is the bootstrap loader
     * @throws UnknownShapeException where a class is not as the hooks expect, or one that must be there is not
     */
    static void check(
            Client client,
            String first,
            byte[] classFile,
            @Nullable ClassLoader loader,
            LoaderState state,
            ClassWeaver weaver)
            throws UnknownShapeException, IOException {
        boolean showsClassFiles = bytes(first, loader) != null;
        for (Map.Entry<String, List<Hook>> hooked : client.hooksByType().entrySet()) {
            String type = hooked.getKey();
            byte[] bytes = type.equals(first) ? classFile : bytes(type, loader);
            if (bytes != null) {
                try {
                    byte[] woven = weaver.weave(type, loader, bytes, hooked.getValue(), client);
                    state.trials.put(LoaderState.key(client, type), new SoftReference<Trial>(new Trial(bytes, woven)));
                } catch (UnknownShapeException unknown) {
                    if (type.equals(first) || !weaver.needsWhatTheProgramLacks(unknown, client)) {
                        throw unknown;
                    }
                }
            } else if (showsClassFiles && isRequired(type, hooked.getValue(), first, loader, client)) {
                throw new UnknownShapeException(type, "no such class");
            }
        }
    }

    /** What was woven for a trial from exactly this class file; null if nothing was. To be had once. */
    static byte @Nullable [] take(String key, byte[] classFile, LoaderState state) {
        SoftReference<Trial> reference = state.trials.remove(key);
        Trial trial = reference == null ? null : reference.get();
        return trial != null && Arrays.equals(trial.classFile, classFile) ? trial.woven : null;
    }

    /** Whether a class that is missing should be there: its hooks say so, or the class around it is there and hooked. */
    private static boolean isRequired(
            String type, List<Hook> hooks, String first, @Nullable ClassLoader loader, Client client)
            throws IOException {
        boolean isOptional = true;
        for (Hook hook : hooks) {
            if (hook.isTypeRequired() && inSamePackage(type, first)) {
                return true;
            }
            isOptional &= hook.isOptional();
        }
        int dollar = type.indexOf('$');
        String outer = dollar < 0 ? type : type.substring(0, dollar);
        return !isOptional && dollar > 0 && client.types().contains(outer) && bytes(outer, loader) != null;
    }

    /** A library's other packages may be in jars that other loaders have. */
    private static boolean inSamePackage(String a, String b) {
        int dot = a.lastIndexOf('.');
        return dot == b.lastIndexOf('.') && a.regionMatches(0, b, 0, dot + 1);
    }

    private static byte @Nullable [] bytes(String type, @Nullable ClassLoader loader) throws IOException {
        String name = type.replace('.', '/') + ".class";
        InputStream stream =
                loader == null ? ClassLoader.getSystemResourceAsStream(name) : loader.getResourceAsStream(name);
        return stream == null ? null : AgentClasses.bytes(stream);
    }
}
