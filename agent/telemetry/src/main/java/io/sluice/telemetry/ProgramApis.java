package io.sluice.telemetry;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The copies of opentelemetry-api that the program has, one for each class loader that defined one; several in an
 * application server.
 *
 * <p>Nothing here keeps a program's class loader alive: a {@link ProgramApi} is held by the API's own class {@code Span}
 * and from here only weakly. Safe for use by several threads; nothing blocks.
 */
final class ProgramApis {
    /**
     * The classes whose definition shows that a loader has the API. {@code Context} comes first but may stand in a bundle
     * or module of its own, from which the rest of the API is not visible (OSGi, JBoss Modules).
     */
    static final List<String> LANDMARKS = Collections.unmodifiableList(Arrays.asList(
            "io.opentelemetry.context.Context",
            "io.opentelemetry.api.OpenTelemetry",
            "io.opentelemetry.api.trace.Span"));

    private final CopyOnWriteArrayList<SeenLoader> seenLoaders = new CopyOnWriteArrayList<>();
    private final ApiOfSpanClass apis = new ApiOfSpanClass();

    /** Remembers a loader, weakly, and does nothing else: a class is being defined on this thread. */
    synchronized void seen(@Nullable ClassLoader loader) {
        if (loader == null || loader == ProgramApis.class.getClassLoader()) {
            return;
        }
        for (SeenLoader known : seenLoaders) {
            ClassLoader alive = known.loader.get();
            if (alive == null) {
                seenLoaders.remove(known);
            } else if (alive == loader) {
                return;
            }
        }
        seenLoaders.add(new SeenLoader(loader));
    }

    /** Whether no copy was seen so far. */
    boolean isEmpty() {
        return seenLoaders.isEmpty();
    }

    /**
     * The calling thread's context in the first API in which it has a valid span.
     *
     * @return a {@link ProgramApi.Captured}, null where there is none, or {@link ProgramApi#SUPPRESSED}
     */
    @Nullable
    Object current() {
        for (SeenLoader loader : seenLoaders) {
            ProgramApi api = loader.api(apis);
            Object context = api == null ? null : api.currentContext();
            if (context == ProgramApi.SUPPRESSED) {
                return context;
            }
            if (api != null && context != null) {
                return new ProgramApi.Captured(api, context);
            }
        }
        return null;
    }

    /** Offers a span to each API in turn until one takes it; false where none did. */
    boolean emit(Map<String, Object> span) {
        for (SeenLoader loader : seenLoaders) {
            ProgramApi api = loader.api(apis);
            if (api != null && api.emit(span)) {
                return true;
            }
        }
        return false;
    }

    private static final class SeenLoader {
        final WeakReference<ClassLoader> loader;
        private volatile @Nullable WeakReference<ProgramApi> api;
        private volatile boolean unusable;

        SeenLoader(ClassLoader loader) {
            this.loader = new WeakReference<>(loader);
        }

        @Nullable
        ProgramApi api(ApiOfSpanClass apis) {
            WeakReference<ProgramApi> known = api;
            ProgramApi connected = known == null ? null : known.get();
            ClassLoader alive = loader.get();
            if (connected != null || alive == null || unusable) {
                return connected;
            }
            try {
                connected = apis.get(Class.forName("io.opentelemetry.api.trace.Span", false, alive));
                api = new WeakReference<>(connected);
                return connected;
            } catch (ClassNotFoundException | LinkageError | RuntimeException e) {
                unusable = true; // not a whole API of 1.0 or later, and it will not become one
                return null;
            }
        }
    }

    /** Hangs a {@link ProgramApi} on the class whose loader it holds, so that both can go together. */
    private static final class ApiOfSpanClass extends ClassValue<ProgramApi> {
        @Override
        protected ProgramApi computeValue(Class<?> spanClass) {
            try {
                return ProgramApi.connect(spanClass);
            } catch (IOException | ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
