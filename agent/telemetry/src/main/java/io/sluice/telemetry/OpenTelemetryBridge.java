package io.sluice.telemetry;

import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Speaks to one copy of opentelemetry-api, any version from 1.0 on.
 *
 * <p>This class lives more than once. The agent's own loader has it for the SDK inside the agent; and its bytes are
 * defined once more beside every copy of the API that the program has, in a child loader of that copy's loader (see
 * {@link ProgramApi}). The two sides share no type but those of {@code java.*}, hence the interfaces:
 *
 * <ul>
 *   <li>{@link #get()} captures the calling thread's context,
 *   <li>{@link #apply} names a captured context's span as a {@code traceparent},
 *   <li>{@link #test} emits a span.
 * </ul>
 *
 * <p>It must stay one class file: no nested classes, no lambdas, no other class of ours except compile-time constants.
 * Nothing here changes the state of the program's API: neither {@code GlobalOpenTelemetry.get()} on an unset global,
 * which installs a no-op for good, nor {@code Context.current()} before the program itself has used it, after which
 * {@code ContextStorage.addWrapper} is silently ignored.
 *
 * <p>Safe for use by several threads. None of the methods blocks by itself; {@link #test} runs the span processors of
 * the SDK.
 */
public final class OpenTelemetryBridge
        implements Supplier<@Nullable Object>,
                Function<Object, String>,
                Predicate<Map<String, Object>>,
                TextMapGetter<String> {
    /** The span's name, a String. */
    static final String NAME = "name";
    /** The span's start in nanoseconds since the epoch, a Long. */
    static final String START_EPOCH_NANOS = "startEpochNanos";
    /** The span's end in nanoseconds since the epoch, a Long. */
    static final String END_EPOCH_NANOS = "endEpochNanos";
    /** Whether the span's status is ERROR, a Boolean. */
    static final String ERROR = "error";
    /** The span's attributes, a Map of String to String or Long. */
    static final String ATTRIBUTES = "attributes";
    /** The parent as captured by {@link #get()} of the same bridge, or absent. */
    static final String PARENT_CONTEXT = "parentContext";
    /** The parent as a W3C {@code traceparent}, or absent; counts where {@link #PARENT_CONTEXT} is absent. */
    static final String PARENT_TRACEPARENT = "parentTraceparent";

    private final @Nullable OpenTelemetry fixed;
    private final @Nullable Field global;
    private final @Nullable Field storageInitialized;
    private final @Nullable Method shouldSuppress;

    /**
     * Looks at the API's inner workings by reflection, and initialises none of its classes.
     *
     * @param openTelemetry where to emit spans to, or null for the API's {@code GlobalOpenTelemetry} whenever it is set
     */
    public OpenTelemetryBridge(@Nullable Object openTelemetry) {
        fixed = (OpenTelemetry) openTelemetry;
        // An ObfuscatedOpenTelemetry in 1.0 to 1.55, an OpenTelemetry since; isSet() came in 1.57.
        global = staticField("io.opentelemetry.api.GlobalOpenTelemetry", "globalOpenTelemetry");
        // In every version from 1.0 to 1.67.
        storageInitialized = staticField("io.opentelemetry.context.ContextStorageWrappers", "storageInitialized");
        shouldSuppress = shouldSuppressMethod();
    }

    private static @Nullable Field staticField(String className, String name) {
        try {
            Field field = Class.forName(className, false, Context.class.getClassLoader())
                    .getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null; // another version, or a module that does not open its packages
        }
    }

    private static @Nullable Method shouldSuppressMethod() {
        // The exporters' mark "this is my own traffic"; in api.internal since 1.41, in api.impl since 1.63.
        for (String packageName : new String[] {"impl", "internal"}) {
            try {
                return Class.forName(
                                "io.opentelemetry.api." + packageName + ".InstrumentationUtil",
                                false,
                                Span.class.getClassLoader())
                        .getMethod("shouldSuppressInstrumentation", Context.class);
            } catch (ReflectiveOperationException | RuntimeException e) {
                // try the next
            }
        }
        return null;
    }

    /**
     * The calling thread's current context.
     *
     * @return a context with a valid span; null where there is none; {@link Boolean#FALSE} inside an exporter of the
     *     SDK, where a report of a wait would cause the next wait
     */
    @Override
    public @Nullable Object get() {
        if (!contextInUse()) {
            return null;
        }
        Context current = Context.current();
        if (shouldSuppress != null) {
            try {
                if (Boolean.TRUE.equals(shouldSuppress.invoke(null, current))) {
                    return Boolean.FALSE;
                }
            } catch (ReflectiveOperationException e) {
                // then it is not known to be suppressed
            }
        }
        return Span.fromContext(current).getSpanContext().isValid() ? current : null;
    }

    /** The span of a context that {@link #get()} returned, as a W3C {@code traceparent} (Trace Context, section 3.2). */
    @Override
    public String apply(Object context) {
        SpanContext span = Span.fromContext((Context) context).getSpanContext();
        return "00-" + span.getTraceId() + "-" + span.getSpanId() + "-"
                + span.getTraceFlags().asHex();
    }

    /**
     * Emits a span, described by the keys above.
     *
     * @return false where nobody took it: no global is set, or the one set is a no-op
     */
    @Override
    public boolean test(Map<String, Object> span) {
        OpenTelemetry openTelemetry = openTelemetry();
        if (openTelemetry == null) {
            return false;
        }
        Context parent = parentOf(span);
        SpanBuilder builder = openTelemetry
                .getTracer("io.sluice")
                .spanBuilder((String) required(span, NAME))
                .setParent(parent)
                .setSpanKind(SpanKind.INTERNAL)
                .setStartTimestamp((Long) required(span, START_EPOCH_NANOS), TimeUnit.NANOSECONDS);
        for (Map.Entry<?, ?> attribute : ((Map<?, ?>) required(span, ATTRIBUTES)).entrySet()) {
            String key = (String) attribute.getKey();
            if (attribute.getValue() instanceof Long) {
                builder.setAttribute(key, (long) (Long) attribute.getValue());
            } else {
                builder.setAttribute(key, (String) attribute.getValue());
            }
        }
        Span started = builder.startSpan();
        SpanContext made = started.getSpanContext();
        // A no-op makes no ids of its own; a span that was only not sampled has them.
        if (!made.isValid()
                || made.getSpanId()
                        .equals(Span.fromContext(parent).getSpanContext().getSpanId())) {
            return false;
        }
        if (Boolean.TRUE.equals(span.get(ERROR))) {
            started.setStatus(StatusCode.ERROR);
        }
        started.end((Long) required(span, END_EPOCH_NANOS), TimeUnit.NANOSECONDS);
        return true;
    }

    private static Object required(Map<String, Object> span, String key) {
        return Objects.requireNonNull(span.get(key), key);
    }

    private Context parentOf(Map<String, Object> span) {
        Object captured = span.get(PARENT_CONTEXT);
        if (captured != null) {
            return (Context) captured;
        }
        Object traceparent = span.get(PARENT_TRACEPARENT);
        if (traceparent == null) {
            return Context.root();
        }
        Context extracted = W3CTraceContextPropagator.getInstance().extract(Context.root(), (String) traceparent, this);
        SpanContext parent = Span.fromContext(extracted).getSpanContext();
        // It came from this JVM, so it is not a remote parent: backends take those for entries into a service.
        return Context.root()
                .with(Span.wrap(SpanContext.create(
                        parent.getTraceId(), parent.getSpanId(), parent.getTraceFlags(), parent.getTraceState())));
    }

    private @Nullable OpenTelemetry openTelemetry() {
        if (fixed != null) {
            return fixed;
        }
        if (!contextInUse()) {
            return null; // starting a span would set up the storage
        }
        try {
            if (global != null) {
                return (OpenTelemetry) global.get(null);
            }
            return GlobalOpenTelemetry.isSet() ? GlobalOpenTelemetry.get() : null;
        } catch (ReflectiveOperationException | NoSuchMethodError e) {
            return null; // cannot be seen without being changed
        }
    }

    private boolean contextInUse() {
        try {
            return storageInitialized == null || storageInitialized.getBoolean(null);
        } catch (ReflectiveOperationException e) {
            return true;
        }
    }

    /** For the propagator: a {@code traceparent} as a carrier has one key. */
    @Override
    public Iterable<String> keys(String traceparent) {
        return Collections.singleton("traceparent");
    }

    /** For the propagator: the value of that key. */
    @Override
    public @Nullable String get(@Nullable String traceparent, String key) {
        return "traceparent".equals(key) ? traceparent : null;
    }
}
