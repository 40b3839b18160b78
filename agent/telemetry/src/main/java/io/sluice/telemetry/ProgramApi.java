package io.sluice.telemetry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.AccessController;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.security.ProtectionDomain;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One copy of opentelemetry-api that the program has, reached through an {@link OpenTelemetryBridge} beside it.
 *
 * <p>Safe for use by several threads. It keeps the API's class loader alive, so whoever holds one for long holds it weakly
 * (see {@link ProgramApis}).
 */
final class ProgramApi {
    /** What {@link #currentContext} returns inside an exporter of the program's SDK. */
    static final Object SUPPRESSED = Boolean.FALSE;

    private static final String BRIDGE = "io.sluice.telemetry.OpenTelemetryBridge";

    private final Supplier<@Nullable Object> capture;
    private final Function<Object, String> traceparent;
    private final Predicate<Map<String, Object>> emit;

    @SuppressWarnings("unchecked") // the bridge's type is ours by name only: it belongs to another loader
    private ProgramApi(Object bridge) {
        capture = (Supplier<@Nullable Object>) bridge;
        traceparent = (Function<Object, String>) bridge;
        emit = (Predicate<Map<String, Object>>) bridge;
    }

    /**
     * Defines the bridge in a new child of the API's loader. Privileged, because the asking thread may have callers that a
     * security manager does not let make class loaders; loads classes but initialises none of the API.
     *
     * @param ofApi any class of the API
     * @throws IOException if the bridge's class file is missing from the agent
     * @throws ReflectiveOperationException or LinkageError, if the API is older than 1.0 or only in part visible
     */
    static ProgramApi connect(Class<?> ofApi) throws IOException, ReflectiveOperationException {
        try {
            return AccessController.doPrivileged(new PrivilegedExceptionAction<ProgramApi>() {
                @Override
                public ProgramApi run() throws IOException, ReflectiveOperationException {
                    Class<?> bridge = new BridgeLoader(ofApi.getClassLoader()).define(bridgeClassFile());
                    return new ProgramApi(
                            bridge.getConstructor(Object.class).newInstance(new @Nullable Object[] {null}));
                }
            });
        } catch (PrivilegedActionException e) {
            if (e.getException() instanceof IOException) {
                throw (IOException) e.getException();
            }
            throw (ReflectiveOperationException) e.getException();
        }
    }

    private static byte[] bridgeClassFile() throws IOException {
        String path = BRIDGE.replace('.', '/') + ".class"; // the agent's loader knows what it is called in its jar
        InputStream found = ProgramApi.class.getClassLoader().getResourceAsStream(path);
        if (found == null) {
            throw new IOException(path + " is missing");
        }
        try (InputStream in = found) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(8192);
            byte[] buffer = new byte[4096];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes.write(buffer, 0, n);
            }
            return bytes.toByteArray();
        }
    }

    /** See {@link OpenTelemetryBridge#get()}. */
    @Nullable
    Object currentContext() {
        return capture.get();
    }

    /** See {@link OpenTelemetryBridge#apply}. */
    String traceparentOf(Object context) {
        return traceparent.apply(context);
    }

    /** See {@link OpenTelemetryBridge#test}. */
    boolean emit(Map<String, Object> span) {
        return emit.test(span);
    }

    /** A context together with the API it belongs to. */
    static final class Captured {
        final ProgramApi api;
        final Object context;

        Captured(ProgramApi api, Object context) {
            this.api = api;
            this.context = context;
        }
    }

    private static final class BridgeLoader extends ClassLoader {
        BridgeLoader(@Nullable ClassLoader apiLoader) {
            super(apiLoader);
        }

        Class<?> define(byte[] classFile) {
            ProtectionDomain trusted = ProgramApi.class.getProtectionDomain();
            return defineClass(BRIDGE, classFile, 0, classFile.length, trusted);
        }
    }
}
