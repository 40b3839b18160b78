package io.sluice.telemetry;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what the SDK inside the agent logs off the program's handlers, such as a stack trace for every batch that does
 * not arrive; what matters of it is said by {@link HttpPost}.
 *
 * <p>The program may have the same classes and so the same loggers. Only records of the agent's threads are dropped: of the
 * thread inside {@link #quietly} and of those that it starts there, such as the SDK's batch thread.
 */
final class QuietLoggers implements Filter {
    /** The classes of the SDK that log at INFO or above on the way of a span. */
    private static final String[] NAMES = {
        "io.opentelemetry.context.LazyStorage",
        "io.opentelemetry.exporter.internal.SenderUtil",
        "io.opentelemetry.exporter.otlp.internal.HttpExporter",
        "io.opentelemetry.exporter.otlp.internal.OtlpConfigUtil",
        "io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdkBuilder",
        "io.opentelemetry.sdk.resources.Resource",
        "io.opentelemetry.sdk.trace.export.BatchSpanProcessor",
        "io.opentelemetry.sdk.trace.export.BatchSpanProcessorBuilder",
        "io.opentelemetry.sdk.trace.export.MultiSpanExporter",
        "io.opentelemetry.sdk.trace.export.SimpleSpanProcessor",
    };

    private static final InheritableThreadLocal<Boolean> QUIET = new InheritableThreadLocal<>();

    /** Held for good: a logger that nobody holds is collected, and its filter with it. */
    private static final List<Logger> LOGGERS = new ArrayList<>();

    static {
        for (String name : NAMES) {
            Logger logger = Logger.getLogger(name);
            logger.setFilter(new QuietLoggers(logger.getFilter()));
            LOGGERS.add(logger);
        }
    }

    private final @Nullable Filter programs;

    private QuietLoggers(@Nullable Filter programs) {
        this.programs = programs;
    }

    /** Runs an action on this thread; neither it nor the threads that it starts log. */
    static <T extends @Nullable Object> T quietly(Supplier<T> action) {
        QUIET.set(true);
        try {
            return action.get();
        } finally {
            QUIET.remove();
        }
    }

    @Override
    public boolean isLoggable(LogRecord record) {
        return !Boolean.TRUE.equals(QUIET.get()) && (programs == null || programs.isLoggable(record));
    }
}
