package io.sluice.instrumentation.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where threads of this JVM wait. Inside the agent: for tests that show that no selector, reactor, event loop or caller of
 * an asynchronous client does. In a connect: for tests that end one from outside. Stateless.
 */
public final class ParkedThreads {
    private ParkedThreads() {}

    /**
     * The threads that are parked, asleep or blocked with a class of the agent on their stack, each with its stack; not the
     * agent's own threads, nor virtual ones.
     */
    public static List<String> inTheAgent() {
        List<String> parked = new ArrayList<>();
        for (Map.Entry<Thread, StackTraceElement[]> entry :
                Thread.getAllStackTraces().entrySet()) {
            Thread thread = entry.getKey();
            Thread.State state = thread.getState();
            boolean waits = state == Thread.State.WAITING
                    || state == Thread.State.TIMED_WAITING
                    || state == Thread.State.BLOCKED;
            if (waits && !thread.getName().startsWith("sluice-") && isInTheAgent(entry.getValue())) {
                parked.add(thread.getName() + " " + state + " " + Arrays.toString(entry.getValue()));
            }
        }
        return parked;
    }

    /** Whether this thread is in {@code Socket.connect}; not if there is no thread yet. */
    public static boolean isConnecting(@Nullable Thread thread) {
        return thread != null
                && Arrays.stream(thread.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().equals("java.net.Socket")
                                && frame.getMethodName().equals("connect"));
    }

    private static boolean isInTheAgent(StackTraceElement[] stack) {
        for (StackTraceElement frame : stack) {
            String name = frame.getClassName();
            if (name.startsWith("io.sluice.limiter.") || name.startsWith("io.sluice.bridge.")) {
                return true;
            }
        }
        return false;
    }
}
